# SPDX-License-Identifier: Apache-2.0
"""Rules about locked memory: that it is locked at all, and that the nodes and limits can hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.domainxml.memory import hard_limit_kib, memory_kib
from kvmrt_plan.rules.wording import few, listed, nodes_named, size
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import VmPlacement
    from kvmrt_plan.rules.subject import Subject

#: What QEMU locks beyond the guest's memory: video memory, firmware, its own heap and stacks. Close to
#: 1 GiB was seen locked for a guest of 64 MiB.
OVERHEAD_KIB = 1024 * 1024


def rt_locks_memory(subject: Subject) -> Iterator[Finding]:
    """A page fault of an RT guest goes through the host's memory management."""
    for vm in subject.configuration.vms:
        if vm.rt and vm.rt_memory is False:
            yield Finding(
                code="KR109",
                severity=Severity.ERROR,
                summary=f"{vm.name}: rt is on, but rt_memory is off",
                remedy="set rt_memory to auto",
                source=vm.source_of("rt_memory"),
                vm=vm.name,
            )


def locked_memory_fits(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Every locked VM fits into its nodes, and all that run together do."""
    alone: set[str] = set()
    wanted: dict[CpuSet, list[tuple[VmPlacement, int]]] = {}
    for one, domain in _locked(subject, facts):
        nodes = CpuSet(facts.cpus.nodes) if one.nodes is None else one.nodes
        needed = memory_kib(subject.definition(domain))
        if needed is None:
            continue
        capacity, free = _capacity(nodes, facts)
        if capacity is not None and needed > capacity:
            alone.add(one.vm.name)
            yield _too_large(one, needed, f"{nodes_named(nodes)} {_has(nodes)} {size(capacity)}")
        elif free is not None and needed > free and not _is_backed(one, domain, subject):
            yield _not_free(one, needed, f"{nodes_named(nodes)} {_has(nodes)} {size(free)} free")
        if one.vm.autostart or domain.is_running:
            wanted.setdefault(nodes, []).append((one, needed))
    yield from _sums(wanted, facts, alone)


def _locked(subject: Subject, facts: HostFacts) -> Iterator[tuple[VmPlacement, Domain]]:
    for one in subject.placement.vms:
        domain = facts.domains.get(one.vm.uuid)
        if one.vm.is_memory_locked and domain is not None:
            yield one, domain


def _capacity(nodes: CpuSet, facts: HostFacts) -> tuple[int | None, int | None]:
    """Memory and free memory of the nodes; None when one of them is not known."""
    known = [facts.cpus.nodes[node] for node in nodes if node in facts.cpus.nodes]
    totals = [node.memory_kib for node in known if node.memory_kib is not None]
    free = [node.free_kib for node in known if node.free_kib is not None]
    return (
        sum(totals) if totals and len(totals) == len(nodes) else None,
        sum(free) if free and len(free) == len(nodes) else None,
    )


def _is_backed(one: VmPlacement, domain: Domain, subject: Subject) -> bool:
    """Whether the memory is there already: the guest runs, or huge pages were reserved for it."""
    if domain.is_running or one.vm.hugepages is not None:
        return True
    return subject.definition(domain).find("memoryBacking/hugepages") is not None


def _has(nodes: CpuSet) -> str:
    return "has" if len(nodes) == 1 else "have"


def _too_large(one: VmPlacement, needed: int, against: str) -> Finding:
    return Finding(
        code="KR120",
        severity=Severity.ERROR,
        summary=f"{one.vm.name}: its {size(needed)} of memory are to be locked, but {against}",
        remedy="give the guest less memory, or further nodes in numatune",
        source=one.vm.source_of("numatune"),
        vm=one.vm.name,
    )


def _not_free(one: VmPlacement, needed: int, against: str) -> Finding:
    return Finding(
        code="KR120",
        severity=Severity.WARNING,
        summary=f"{one.vm.name}: its {size(needed)} of memory are to be locked, but {against}",
        detail="the kernel may free more by dropping caches; the start of the guest fails or takes "
        "long when it cannot",
        remedy="stop what uses the node's memory, or reserve huge pages for the guest at boot",
        source=one.vm.source_of("numatune"),
        vm=one.vm.name,
    )


def _sums(
    wanted: dict[CpuSet, list[tuple[VmPlacement, int]]], facts: HostFacts, alone: set[str]
) -> Iterator[Finding]:
    """VMs that each fit, but not together: all whose memory lies within the same nodes."""
    for nodes in wanted:
        capacity, _ = _capacity(nodes, facts)
        within = sorted(
            (pair for inner, pairs in wanted.items() if inner <= nodes for pair in pairs),
            key=lambda pair: pair[0].vm.name,
        )
        total = sum(needed for _, needed in within)
        names = [one.vm.name for one, _ in within]
        if capacity is None or total <= capacity or alone.intersection(names):
            continue
        last = within[-1][0].vm
        yield Finding(
            code="KR120",
            severity=Severity.ERROR,
            summary=f"{few(names)} lock {size(total)} of memory together, "
            f"but {nodes_named(nodes)} {_has(nodes)} {size(capacity)}",
            detail=listed([f"{one.vm.name} {size(needed)}" for one, needed in within]),
            remedy="spread the VMs over the nodes, give them less memory, or switch autostart off "
            "for some",
            source=last.source_of("numatune"),
        )


def limits_hold_locked_memory(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Memtune's hard_limit becomes RLIMIT_MEMLOCK of a QEMU that locks its memory."""
    for one, domain in _locked(subject, facts):
        root = subject.definition(domain)
        limit, needed = hard_limit_kib(root), memory_kib(root)
        if limit is None or needed is None or limit >= needed + OVERHEAD_KIB:
            continue
        vm = one.vm
        yield Finding(
            code="KR122",
            severity=Severity.ERROR if limit < needed else Severity.WARNING,
            summary=f"{vm.name}: memtune's hard_limit of {size(limit)} is less than its "
            f"{size(needed)} of memory and what QEMU itself needs",
            detail="a QEMU that may lock less than it uses ends while it starts: "
            "'unexpectedly closed the monitor'",
            remedy=f"remove <hard_limit> with `virsh edit {vm.name}`, or raise it to "
            f"{size(needed + 2 * OVERHEAD_KIB)}",
            source=vm.source_of("rt_memory"),
            vm=vm.name,
        )


def session_may_lock(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A libvirt without root cannot raise the limit that QEMU inherits from it; one with root does."""
    limit = facts.libvirt_memlock
    if limit is None or limit.kib is None or not facts.libvirt_uri.endswith("/session"):
        return
    for one, domain in _locked(subject, facts):
        needed = memory_kib(subject.definition(domain))
        if needed is not None and limit.kib < needed + OVERHEAD_KIB:
            yield Finding(
                code="KR122",
                severity=Severity.ERROR if limit.kib < needed else Severity.WARNING,
                summary=f"{one.vm.name}: libvirt's own limit of locked memory, {size(limit.kib)}, "
                f"is less than its {size(needed)} of memory and what QEMU itself needs",
                detail=f"{facts.libvirt_uri} runs without the right to raise it (RLIMIT_MEMLOCK)",
                remedy="use qemu:///system, or raise memlock for the user in "
                "/etc/security/limits.conf and log in again",
                source=one.vm.source_of("rt_memory"),
                vm=one.vm.name,
            )


RULES = (rt_locks_memory,)
HOST_RULES = (locked_memory_fits, limits_hold_locked_memory, session_may_lock)

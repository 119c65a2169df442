# SPDX-License-Identifier: Apache-2.0
"""Rules about where a guest's memory comes from: free memory and huge pages of its nodes, the mounts that
huge pages need, and pages that the kernel merges. Locked memory is in `memory.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.model import PageSize
from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.domainxml.document import read_settings
from kvmrt_plan.domainxml.memory import memory_kib
from kvmrt_plan.rules.wording import nodes_named, plural, size
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import VmPlacement
    from kvmrt_plan.rules.subject import Subject

_SIZE_KIB = {PageSize.SIZE_2M: 2048, PageSize.SIZE_1G: 1048576}


def nodes_have_free_memory(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A guest that is bound to nodes gets nothing from others: the kernel kills it when they are full."""
    for one, domain in _off(subject, facts):
        needed = memory_kib(subject.definition(domain))
        has_pages = "hugepages" in _settings(subject, domain) or one.vm.hugepages is not None
        if one.nodes is None or one.vm.is_memory_locked or has_pages or needed is None:
            continue
        free = [facts.cpus.nodes[node].free_kib for node in one.nodes if node in facts.cpus.nodes]
        known = [kib for kib in free if kib is not None]
        if not known or len(known) != len(one.nodes) or needed <= sum(known):
            continue
        yield Finding(
            code="KR146",
            severity=Severity.WARNING,
            summary=f"{one.vm.name}: its memory of {size(needed)} comes from "
            f"{nodes_named(one.nodes)} alone, with {size(sum(known))} free",
            detail="the kernel may free more by dropping caches; where it cannot, it kills the guest",
            remedy="stop what uses the memory, or give the guest further nodes in numatune",
            source=one.vm.source_of("numatune"),
            vm=one.vm.name,
        )


def pools_have_free_pages(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """QEMU does not start without its huge pages: "unable to map backing store for guest RAM"."""
    host, taken = subject.configuration.host, dict[tuple[CpuSet, int], int]()
    for one, domain in _off(subject, facts):
        size_kib = _page_kib(one, subject, domain)
        needed_kib = memory_kib(subject.definition(domain))
        is_reserved = host.reserve_hugepages and one.holds_policies and one.vm.hugepages is not None
        if size_kib is None or needed_kib is None or is_reserved or not facts.hugepages:
            continue
        nodes = CpuSet(facts.cpus.nodes) if one.nodes is None else one.nodes
        free = sum(
            pool.free
            for pool in facts.hugepages
            if pool.size_kib == size_kib and (pool.node is None or pool.node in nodes)
        )
        before = taken.get((nodes, size_kib), 0)
        pages = -(-needed_kib // size_kib)
        if one.vm.autostart:
            taken[nodes, size_kib] = before + pages
        if pages + before > free:
            where = f"on {nodes_named(nodes)} " if nodes else ""
            yield _too_few(
                one,
                size_kib,
                f"{plural(pages, 'huge page')} of {size(size_kib)} {where}",
                f"{free} free" + (f", {before} of them for VMs before it" if before else ""),
            )


def _too_few(one: VmPlacement, size_kib: int, needed: str, present: str) -> Finding:
    return Finding(
        code="KR146",
        severity=Severity.WARNING,
        summary=f"{one.vm.name}: needs {needed}to start, with {present}",
        detail="QEMU ends while it starts: 'unable to map backing store for guest RAM'",
        remedy="set reserve_hugepages in the host part and hugepages of the VM, or reserve them at boot: "
        f"hugepagesz={size_kib >> 10}M hugepages=N",
        source=one.vm.source_of("hugepages"),
        vm=one.vm.name,
    )


def pages_are_mounted(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Libvirt wants a mount for each size of huge pages; systemd makes one for the default size only."""
    if facts.hugetlbfs is None:
        return
    for one, domain in _off(subject, facts):
        size_kib = _page_kib(one, subject, domain)
        if size_kib is None or size_kib in facts.hugetlbfs:
            continue
        word = f"{size_kib >> 20}G" if size_kib >= 1 << 20 else f"{size_kib >> 10}M"
        place = f"/dev/hugepages{word}"
        yield Finding(
            code="KR148",
            severity=Severity.WARNING,
            summary=f"{one.vm.name}: hugetlbfs with pages of {word} is not mounted",
            detail=f"libvirt does not start it: 'Unable to find any usable hugetlbfs mount for {size_kib} "
            "KiB'; it looks when it starts itself",
            remedy=f"mkdir {place}; mount -t hugetlbfs -o pagesize={word} hugetlbfs {place}; restart "
            f"libvirt; for each boot: a unit dev-hugepages{word}.mount (docs/policies.md)",
            source=one.vm.source_of("hugepages"),
            vm=one.vm.name,
        )


def merging_leaves_rt_guests_alone(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """QEMU offers a guest's pages for merging unless told otherwise, locked ones too."""
    host = subject.configuration.host
    if facts.knobs.get("ksm/run") != "1" or host.page_merging is not None or host.quiet_kernel:
        return
    for one in subject.rt:
        domain = facts.domains.get(one.vm.uuid)
        if domain is None or one.vm.page_sharing is not None:
            continue
        settings = _settings(subject, domain)
        if "memory-unshared" in settings or "hugepages" in settings or one.vm.hugepages is not None:
            continue
        yield Finding(
            code="KR147",
            severity=Severity.WARNING,
            summary=f"{one.vm.name}: the kernel merges equal pages (KSM), and may merge the guest's",
            detail="the guest's next write to a merged page is a page fault, also where memory is locked",
            remedy="set page_sharing to false, or page_merging in the host part",
            source=one.vm.source_of("rt"),
            vm=one.vm.name,
        )


def _off(subject: Subject, facts: HostFacts) -> Iterator[tuple[VmPlacement, Domain]]:
    """VMs that take their memory when they start the next time."""
    for one in subject.placement.vms:
        domain = facts.domains.get(one.vm.uuid)
        if domain is not None and domain.xml and not domain.is_running:
            yield one, domain


def _settings(subject: Subject, domain: Domain) -> dict[str, str]:
    return read_settings(subject.definition(domain))


def _page_kib(one: VmPlacement, subject: Subject, domain: Domain) -> int | None:
    """The one size of the guest's huge pages; None: none, the default size, or one for each cell."""
    if one.vm.hugepages is not None:
        return _SIZE_KIB[one.vm.hugepages]
    text = _settings(subject, domain).get("hugepages", "")
    return int(text) if text.isdecimal() else None


HOST_RULES = (
    nodes_have_free_memory, pools_have_free_pages, pages_are_mounted, merging_leaves_rt_guests_alone,
)  # fmt: skip

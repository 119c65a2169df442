# SPDX-License-Identifier: Apache-2.0
"""Rules about NUMA nodes: where a VM's CPUs lie, where its memory comes from, who shares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.rules.wording import few, listed, nodes_named
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import VmPlacement
    from kvmrt_plan.rules.subject import Subject


def rt_has_numatune(subject: Subject) -> Iterator[Finding]:
    """An RT VM whose memory may lie anywhere pays for remote access."""
    for one in subject.rt:
        vm = one.vm
        if vm.numatune == EMPTY:
            yield Finding(
                code="KR106",
                severity=Severity.WARNING,
                summary=f"{vm.name}: an RT VM whose numatune is empty",
                detail="its memory may lie on any NUMA node, also on one far from its CPUs",
                remedy="set numatune to auto",
                source=vm.source_of("numatune"),
                vm=vm.name,
            )


def rt_lies_on_one_node(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A vCPU that reaches memory through another node's controller loses determinism."""
    for one in subject.rt:
        nodes = facts.cpus.nodes_of(one.owned)
        if len(nodes) > 1:
            vm = one.vm
            parts = [f"{facts.cpus.nodes[node].cpus & vm.cpuset} on node {node}" for node in nodes]
            yield Finding(
                code="KR104",
                severity=Severity.WARNING,
                summary=f"{vm.name}: cpuset spans {nodes_named(nodes)}",
                detail=f"CPUs {listed(parts)}",
                remedy="choose all CPUs of an RT VM from one node",
                source=vm.source_of("cpuset"),
                vm=vm.name,
            )


def rt_has_its_nodes_alone(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Others on the node compete for its last-level cache and its memory controller."""
    vms = subject.placement.vms
    by_cpus = _by_node((facts.cpus.nodes_of(one.vm.cpuset), one) for one in vms)
    by_memory = _by_node((one.nodes or EMPTY, one) for one in vms)
    for one in subject.rt:
        nodes = facts.cpus.nodes_of(one.vm.cpuset)
        yield from _shared_node(one, nodes, by_cpus)
        yield from _shared_memory(one, nodes, by_memory)


def _by_node(pairs: Iterator[tuple[CpuSet, VmPlacement]]) -> dict[int, list[VmPlacement]]:
    found: dict[int, list[VmPlacement]] = {}
    for nodes, one in pairs:
        for node in nodes:
            found.setdefault(node, []).append(one)
    return found


def _others(
    one: VmPlacement, nodes: CpuSet, by_node: dict[int, list[VmPlacement]]
) -> tuple[CpuSet, list[str]]:
    """The nodes on which there are other VMs, and the names of these, sorted."""
    crowded = CpuSet(node for node in nodes if by_node.get(node, [one]) != [one])
    names = {other.vm.name for node in crowded for other in by_node[node] if other.vm is not one.vm}
    return crowded, sorted(names)


def _shared_node(
    one: VmPlacement, nodes: CpuSet, by_cpus: dict[int, list[VmPlacement]]
) -> Iterator[Finding]:
    crowded, names = _others(one, nodes, by_cpus)
    if names:
        vm = one.vm
        yield Finding(
            code="KR105",
            severity=Severity.WARNING,
            summary=f"{vm.name}: shares {nodes_named(crowded)} with the cpuset of {few(names)}",
            detail="VMs on the same node compete for its cache and memory bandwidth"
            + _in_full(names),
            remedy="move the other VMs to CPUs of another node",
            source=vm.source_of("cpuset"),
            vm=vm.name,
        )


def _shared_memory(
    one: VmPlacement, nodes: CpuSet, by_memory: dict[int, list[VmPlacement]]
) -> Iterator[Finding]:
    crowded, names = _others(one, nodes, by_memory)
    if names:
        vm = one.vm
        yield Finding(
            code="KR107",
            severity=Severity.WARNING,
            summary=f"{vm.name}: memory of {nodes_named(crowded)} is also given to {few(names)}",
            detail="the numatune of another VM names a node of this RT VM's cpuset"
            + _in_full(names),
            remedy="give the other VMs a numatune without the nodes of RT VMs",
            source=vm.source_of("cpuset"),
            vm=vm.name,
        )


def _in_full(names: list[str]) -> str:
    return "" if few(names) == listed(names) else f"; they are {listed(names)}"


def rt_memory_is_near(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """The nodes of an RT VM's memory lie within those of its CPUs."""
    for one in subject.rt:
        vm = one.vm
        near = facts.cpus.nodes_of(vm.cpuset)
        far = ((one.nodes or EMPTY) & CpuSet(facts.cpus.nodes)) - near
        if far and near:
            yield Finding(
                code="KR106",
                severity=Severity.WARNING,
                summary=f"{vm.name}: numatune takes memory from {nodes_named(far)}, "
                f"but cpuset lies on {nodes_named(near)}",
                remedy="set numatune to auto",
                source=vm.source_of("numatune"),
                vm=vm.name,
            )


def nodes_exist(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Libvirt takes a missing node when the guest is defined and refuses to start the guest."""
    # A kernel without NUMA shows no node folder; its memory is node 0 to everyone.
    existing = CpuSet(facts.cpus.nodes) or CpuSet((0,))
    for one in subject.placement.vms:
        vm = one.vm
        missing = (one.nodes or EMPTY) - existing
        if missing:
            yield Finding(
                code="KR112",
                severity=Severity.ERROR,
                summary=f"{vm.name}: {nodes_named(missing)} of numatune {vm.numatune} "
                f"{'does' if len(missing) == 1 else 'do'} not exist",
                detail=f"this host has {nodes_named(existing)}",
                remedy="name nodes that the host has, or set numatune to auto",
                source=vm.source_of("numatune"),
                vm=vm.name,
            )


def nodes_have_memory(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A node may consist of CPUs alone."""
    bare = CpuSet(node.id for node in facts.cpus.nodes.values() if node.memory_kib == 0)
    for one in subject.placement.vms:
        empty = (one.nodes or EMPTY) & bare
        if empty:
            vm = one.vm
            yield Finding(
                code="KR112",
                severity=Severity.WARNING,
                summary=f"{vm.name}: {nodes_named(empty)} of its memory "
                f"{'has' if len(empty) == 1 else 'have'} no memory",
                detail="numatune is auto: the nodes of cpuset" if vm.numatune is None else "",
                remedy="name a node with memory in numatune, the nearest to its CPUs",
                source=vm.source_of("numatune"),
                vm=vm.name,
            )


def nodes_keep_a_cpu(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Kswapd and kcompactd of a node run on its CPUs: on isolated ones when it has no other."""
    if not subject.placement.housekeeping - subject.placement.isolated:
        return
    taken = CpuSet(
        node.id
        for node in facts.cpus.nodes.values()
        if node.cpus & subject.placement.isolated and not node.cpus & subject.placement.housekeeping
    )
    if taken:
        owners = sorted(
            one.vm.name
            for one in subject.rt
            if one.holds_policies and facts.cpus.nodes_of(one.owned) & taken
        )
        yield Finding(
            code="KR133",
            severity=Severity.WARNING,
            summary=f"{nodes_named(taken)} {'has' if len(taken) == 1 else 'have'} "
            "no housekeeping CPU left",
            detail="the kernel's kswapd and kcompactd of a node then run far from its memory, or, where no "
            f"shield keeps them away, on the CPUs of {listed(owners)}",
            remedy="leave one core per node to the host",
        )


RULES = (rt_has_numatune,)
HOST_RULES = (
    rt_lies_on_one_node, rt_has_its_nodes_alone, rt_memory_is_near, nodes_exist,
    nodes_have_memory, nodes_keep_a_cpu,
)  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""Decides which logical CPU and NUMA node does what.

Total: a configuration that breaks rules is placed as well as it can be, and `rules/` says what is
wrong with it. Every VM is placed for itself, so the order of the VMs in the file changes nothing
but the order of the result.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.desired.model import Pinning
from kvmrt_plan.placement.cores import cores_of
from kvmrt_plan.placement.model import Placement, VmPlacement
from kvmrt_plan.values.cpuset import EMPTY, CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from kvmrt_plan.desired.model import Configuration, VirtualMachine
    from kvmrt_plan.facts.cpu import CpuTopology
    from kvmrt_plan.facts.host import HostFacts


def place(
    configuration: Configuration,
    facts: HostFacts,
    *,
    goal: frozenset[UUID] = frozenset(),
    named: Collection[str] = (),
    released: Collection[str] = (),
) -> Placement:
    """The placement on a host whose running domains are known.

    Args:
        configuration: what is asked for.
        facts: the host; its CPUs, nodes and running domains count.
        goal: VMs that are about to start, so that their host policies are held.
        named: the names of the only VMs that are looked at: the others keep the policies that are
            in force, but get none. Empty: all are looked at.
        released: names of VMs whose policies end, whatever else speaks for them.
    """
    active = set(goal) | _active(configuration, facts, named)
    if named or released:
        active.update(facts.holders)
    active.difference_update(vm.uuid for vm in configuration.vms if vm.name in released)
    placement = place_on(configuration, facts.cpus, active=active)
    if configuration.host.housekeeping is not None:
        return placement
    # The plan that takes them back must already count them, or a second plan would find changes.
    back = returning_cpus(facts, placement) - placement.isolated
    return replace(placement, housekeeping=placement.housekeeping | back)


def returning_cpus(facts: HostFacts, placement: Placement) -> CpuSet:
    """CPUs that kvmrt took offline and that no RT VM needs to be offline any more, and lost ones."""
    return lost_cpus(facts, placement) | CpuSet(
        cpu
        for cpu in facts.cpus.offline - placement.offlined
        if (held := facts.held.get(f"cpu/{cpu}")) is not None and held.original == "online"
    )


def lost_cpus(facts: HostFacts, placement: Placement) -> CpuSet:
    """CPUs that an RT VM uses whose policies are in force: online when it got them, and offline now."""
    used = (
        one.used for one in placement.vms if one.holds_policies and one.vm.uuid in facts.holders
    )
    return union(used) & facts.cpus.offline


def _active(configuration: Configuration, facts: HostFacts, named: Collection[str]) -> set[UUID]:
    """The VMs that are asked for: those that are named; of a whole configuration those that run or
    start by themselves. A VM that runs without its policies gets none because another one is named.
    """
    if named:
        return {vm.uuid for vm in configuration.vms if vm.name in named}
    running = {uuid for uuid, domain in facts.domains.items() if domain.is_running}
    return running | {vm.uuid for vm in configuration.vms if vm.autostart}


def place_on(
    configuration: Configuration, topology: CpuTopology, *, active: Collection[UUID]
) -> Placement:
    """The placement on CPUs alone; `active` are the VMs that run or are about to."""
    cores = cores_of(topology)
    vms = tuple(
        _place_vm(vm, topology, cores, is_active=vm.uuid in active) for vm in configuration.vms
    )
    holding = [one for one in vms if one.holds_policies]
    isolated = union(one.owned for one in holding)
    chosen = configuration.host.housekeeping
    return Placement(
        vms=vms,
        housekeeping=topology.online - isolated if chosen is None else chosen,
        isolated=isolated,
        offlined=union(one.offlined for one in holding),
    )


def _place_vm(
    vm: VirtualMachine,
    topology: CpuTopology,
    cores: Mapping[int, CpuSet],
    *,
    is_active: bool,
) -> VmPlacement:
    used = owned = vm.cpuset
    if vm.rt:
        used = _one_per_core(vm.cpuset, topology.online, cores)
        owned = union([vm.cpuset, *(cores[cpu] for cpu in vm.cpuset if cpu in cores)])
    emulator, vcpus = assign(used if vm.pinning is Pinning.AUTO else EMPTY, vm.nr_vcpus)
    return VmPlacement(
        vm=vm,
        holds_policies=vm.rt and is_active,
        used=used,
        emulator=emulator,
        vcpus=vcpus,
        owned=owned,
        offlined=(owned - used) & topology.present,
        nodes=_memory_nodes(vm, topology, used),
    )


def _one_per_core(cpuset: CpuSet, online: CpuSet, cores: Mapping[int, CpuSet]) -> CpuSet:
    """Of each core the lowest CPU in the cpuset that is online, or the lowest when none is."""
    chosen = []
    left = cpuset
    while left:
        first = left.first
        threads = left & cores.get(first, CpuSet((first,)))
        chosen.append(((threads & online) or threads).first)
        left = left - threads
    return CpuSet(chosen)


def assign(used: CpuSet, nr_vcpus: int) -> tuple[CpuSet, tuple[CpuSet, ...]]:
    """The first CPU for every thread that is no vCPU; the rest go to the vCPUs round robin."""
    if not used:
        return EMPTY, (EMPTY,) * nr_vcpus
    emulator = CpuSet((used.first,))
    rest = tuple(used - emulator) or (used.first,)
    if len(rest) < nr_vcpus:
        singles = [CpuSet((cpu,)) for cpu in rest]
        return emulator, tuple(singles[vcpu % len(rest)] for vcpu in range(nr_vcpus))
    return emulator, tuple(CpuSet(rest[vcpu::nr_vcpus]) for vcpu in range(nr_vcpus))


def _memory_nodes(vm: VirtualMachine, topology: CpuTopology, used: CpuSet) -> CpuSet | None:
    """An empty numatune or cpuset means no restriction; so does auto on a host without nodes."""
    if not vm.cpuset:
        return None
    nodes = topology.nodes_of(used) if vm.numatune is None else vm.numatune
    return nodes or None

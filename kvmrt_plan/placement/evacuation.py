# SPDX-License-Identifier: Apache-2.0
"""Which CPUs of RT VMs go offline and come back once, so that timers and work leave them.

Those that a partition is about to take, before its VM starts: only there can nothing be armed anew. Not CPUs
that it has already; nor those of a VM that runs, whose threads would lose their place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.facts.slices import ISOLATED, vm_slice
from kvmrt_plan.placement.shield import Obstacles, shield_backend
from kvmrt_plan.values.cpuset import EMPTY, CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.desired.model import HostPolicy
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement, VmPlacement


def evacuations(
    policy: HostPolicy, facts: HostFacts, placement: Placement
) -> Iterator[tuple[VmPlacement, CpuSet]]:
    """RT VMs with the CPUs to evacuate, none of them empty; where other guests' threads turn out to be in
    the way there is no partition, and these CPUs stay.
    """
    if not policy.evacuate_cpus:
        return
    backend = shield_backend(policy.shield, facts)
    if backend is not ShieldBackend.PARTITION:
        return
    obstacles = Obstacles(facts, placement, backend)
    for placed in placement.vms:
        domain = facts.domains.get(placed.vm.uuid)
        is_waiting = domain is not None and not domain.is_running
        if placed.holds_policies and is_waiting and not obstacles.of(placed):
            cpus = _movable(placed.owned - placement.offlined - _taken(placed, facts), facts)
            if cpus:
                yield placed, cpus


def evacuated_cpus(policy: HostPolicy, facts: HostFacts, placement: Placement) -> CpuSet:
    """All of them."""
    return union(cpus for _, cpus in evacuations(policy, facts, placement))


def _taken(placed: VmPlacement, facts: HostFacts) -> CpuSet:
    """CPUs that are the VM's own already."""
    unit = facts.slices.by_name.get(vm_slice(placed.vm.uuid))
    is_partition = unit is not None and unit.partition == ISOLATED
    return (unit.allowed if unit is not None and is_partition else None) or EMPTY


def _movable(cpus: CpuSet, facts: HostFacts) -> CpuSet:
    """Those that are online, and that the kernel takes offline at all."""
    return CpuSet(
        cpu
        for cpu in cpus & facts.cpus.online
        if cpu in facts.cpus.cpus and facts.cpus.cpus[cpu].is_hotpluggable
    )

# SPDX-License-Identifier: Apache-2.0
"""Tasks leave the CPUs of RT VMs: the task shield.

Backends: RedHawk's /proc/shield (processes, interrupts and the local timer at once), or systemd's
AllowedCPUs= on every top-level unit but machine.slice, in which the guests themselves live (cgroup v2;
systemd.resource-control(5)). On hosts with neither, a finding says that tasks stay where they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Considered, Disturbance, Kind, NoChange
from kvmrt_plan.changes.irq import leave
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.facts.slices import CgroupMode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.reasons import CpuReasons
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.slices import Shield, Slice, Slices
    from kvmrt_plan.placement.model import Placement
    from kvmrt_plan.values.cpuset import CpuSet

#: Guests run here, RT guests too: their threads are confined by their pins.
GUESTS = "machine.slice"


def shield_backend(wanted: ShieldBackend, slices: Slices) -> ShieldBackend:
    """The backend that is used: the one asked for, or the strongest that the host has."""
    if wanted is not ShieldBackend.AUTO:
        return wanted
    if slices.shield is not None:
        return ShieldBackend.REDHAWK
    if slices.mode is CgroupMode.UNIFIED and slices.has_systemd:
        return ShieldBackend.ALLOWED_CPUS
    return ShieldBackend.NONE


def slice_changes(
    backend: ShieldBackend, facts: HostFacts, placement: Placement, reasons: CpuReasons
) -> Iterator[Considered]:
    """The shield of the backend, for all CPUs that RT VMs own."""
    if not placement.isolated:
        return
    if backend is ShieldBackend.REDHAWK and facts.slices.shield is not None:
        yield from _redhawk(facts.slices.shield, placement, reasons)
    elif backend is ShieldBackend.ALLOWED_CPUS:
        for unit in facts.slices.slices:
            if unit.name != GUESTS:
                yield _allowed_cpus(unit, facts, placement, reasons)


def _redhawk(shield: Shield, placement: Placement, reasons: CpuReasons) -> Iterator[Considered]:
    """Shielded CPUs are added to those that others have shielded."""
    reason = reasons.leaving(placement.isolated)
    for name, now in (
        ("processes", shield.processes),
        ("irqs", shield.irqs),
        ("local-timers", shield.local_timers),
    ):
        address, wanted = f"shield/{name}", now | placement.isolated
        if wanted == now:
            yield NoChange(kind=Kind.SHIELD, address=address, value=str(now), reason=reason)
        else:
            yield Change(
                kind=Kind.SHIELD,
                address=address,
                before=str(now) or None,
                after=str(wanted),
                disturbance=Disturbance.HOST,
                reason=reason,
            )


def _allowed_cpus(
    unit: Slice, facts: HostFacts, placement: Placement, reasons: CpuReasons
) -> Considered:
    now = _confinement(unit, facts.cpus.online)
    wanted = leave(now, placement)
    reason, address = reasons.leaving(now), f"slice/{unit.name}"
    if wanted == now:
        return NoChange(kind=Kind.SLICE_CPUS, address=address, value=str(now), reason=reason)
    return Change(
        kind=Kind.SLICE_CPUS,
        address=address,
        before=str(now),
        after=str(wanted),
        disturbance=Disturbance.HOST,
        reason=reason,
    )


def _confinement(unit: Slice, online: CpuSet) -> CpuSet:
    """The CPUs the unit's tasks may use now. A unit without cpuset.cpus has those of the root; the
    explicit list is what an undo has to write, since clearing AllowedCPUs= does not free a populated
    unit (systemd issue 43846).
    """
    return unit.allowed or unit.effective or online

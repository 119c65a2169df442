# SPDX-License-Identifier: Apache-2.0
"""Tasks leave the CPUs of RT VMs: the task shield.

Backends: RedHawk's /proc/shield (processes, interrupts and the local timer at once), or systemd's
AllowedCPUs= on every top-level unit with tasks but machine.slice, in which the guests live (cgroup v2;
systemd.resource-control(5)). On hosts with neither, a finding says that tasks stay where they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Considered, Disturbance, Kind, NoChange
from kvmrt_plan.changes.masks import released
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.facts.slices import CgroupMode
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.facts.slices import Shield, Slice, Slices

#: Guests run here, RT guests too: their threads are confined by their pins.
GUESTS = "machine.slice"
#: Units that hold tasks. Mounts have a cgroup too, for the moment in which they are made, and it gets its
#: cpuset files as soon as systemd switches the controller on for the first unit.
_HOLDERS = (".slice", ".scope", ".service")


def shield_backend(wanted: ShieldBackend, slices: Slices) -> ShieldBackend:
    """The backend that is used: the one asked for, or the strongest that the host has."""
    if wanted is not ShieldBackend.AUTO:
        return wanted
    if slices.shield is not None:
        return ShieldBackend.REDHAWK
    if slices.mode is CgroupMode.UNIFIED and slices.has_systemd:
        return ShieldBackend.ALLOWED_CPUS
    return ShieldBackend.NONE


def slice_changes(backend: ShieldBackend, masks: Masks) -> Iterator[Considered]:
    """The shield of the backend, for all CPUs that RT VMs own."""
    slices = masks.facts.slices
    if backend is ShieldBackend.REDHAWK and slices.shield is not None:
        yield from _redhawk(slices.shield, masks)
    elif backend is ShieldBackend.ALLOWED_CPUS:
        for unit in slices.slices:
            if unit.name != GUESTS and unit.name.endswith(_HOLDERS):
                now = _confinement(unit, masks.facts.cpus.online)
                considered = masks.consider(Kind.SLICE_CPUS, f"slice/{unit.name}", now)
                if considered is not None:
                    yield considered


def _redhawk(shield: Shield, masks: Masks) -> Iterator[Considered]:
    """Shielded CPUs are added to those that others have shielded."""
    for name, now in (
        ("processes", shield.processes),
        ("irqs", shield.irqs),
        ("local-timers", shield.local_timers),
    ):
        address = f"shield/{name}"
        held = masks.facts.held.get(address)
        is_ours = held is not None and (held.written or "") == str(now)
        foreign = CpuSet.parse(held.original or "") if held is not None and is_ours else now
        wanted = foreign | masks.placement.isolated
        if not masks.placement.isolated and not is_ours:
            continue
        reason = masks.reasons.leaving(wanted) if masks.placement.isolated else released()
        if wanted == now:
            yield NoChange(kind=Kind.SHIELD, address=address, value=str(now), reason=reason)
        else:
            yield Change(
                kind=Kind.SHIELD,
                address=address,
                before=str(now) or None,
                after=str(wanted) or None,
                disturbance=Disturbance.HOST,
                reason=reason,
            )


def _confinement(unit: Slice, online: CpuSet) -> CpuSet:
    """The CPUs the unit's tasks may use now. A unit without cpuset.cpus has those of the root; the
    explicit list is what an undo has to write, since clearing AllowedCPUs= does not free a populated
    unit (systemd issue 43846).
    """
    return unit.allowed or unit.effective or online

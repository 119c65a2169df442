# SPDX-License-Identifier: Apache-2.0
"""Tasks leave the CPUs of RT VMs: the task shield.

Backends, the strongest first: RedHawk's /proc/shield (processes, interrupts and the local timer at once); an
isolated partition for each VM (changes/partitions.py); systemd's AllowedCPUs= on every top-level unit with
tasks (cgroup v2; systemd.resource-control(5)). On hosts with none of them, a finding says that tasks stay
where they are.

Guests live in machine.slice. That is narrowed as far as RT VMs have slices of their own: a guest there must
not lose CPUs to its own shield.

With partitions the kernel evicts tasks of units that name no CPUs. Only units that do are narrowed; all of
them where a VM's CPUs are no partition yet.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Considered, Disturbance, Kind, NoChange
from kvmrt_plan.changes.masks import released
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.facts.slices import GUESTS, MEMBER
from kvmrt_plan.placement.shield import HOLDERS
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.changes.partitions import Partitions
    from kvmrt_plan.facts.slices import Shield, Slice


def slice_changes(
    backend: ShieldBackend, masks: Masks, partitions: Partitions
) -> Iterator[Considered]:
    """The shield of the backend, for all CPUs that RT VMs own; partitions are made elsewhere."""
    slices = masks.facts.slices
    if backend is ShieldBackend.REDHAWK and slices.shield is not None:
        yield from _redhawk(slices.shield, masks)
    elif backend in (ShieldBackend.ALLOWED_CPUS, ShieldBackend.PARTITION):
        for unit in slices.slices:
            if _is_confined(backend, unit, masks, partitions):
                now = _confinement(unit, masks.facts.cpus.online)
                considered = masks.consider(Kind.SLICE_CPUS, f"slice/{unit.name}", now)
                if considered is not None and unit.name == GUESTS:
                    considered = _sparing(considered, partitions)
                if considered is not None:
                    yield considered


def _is_confined(backend: ShieldBackend, unit: Slice, masks: Masks, partitions: Partitions) -> bool:
    """Whether the unit is one to narrow, or to give back."""
    if unit.is_of_a_vm or not unit.name.endswith(HOLDERS):
        return False
    if f"slice/{unit.name}" in masks.facts.held:
        return True
    has_partitions = backend is ShieldBackend.PARTITION
    if unit.name == GUESTS:
        # Beside partitions the kernel evicts guests of a slice that names no CPUs.
        return not has_partitions or (unit.allowed is not None and partitions.are_complete)
    if has_partitions and partitions.are_complete:
        return unit.allowed is not None and unit.partition in ("", MEMBER)
    return True


def _sparing(considered: Considered, partitions: Partitions) -> Considered | None:
    """RT guests run in machine.slice, too, until they restart in their own slices: what is theirs stays.
    None: nothing of it may be narrowed.
    """
    if not isinstance(considered, Change):
        return considered
    before, after = (CpuSet.parse(one or "") for one in (considered.before, considered.after))
    kept = after | (before & partitions.standing_in_the_way)
    if kept == before:
        return None
    return replace(considered, after=str(kept), requires=partitions.pins)


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

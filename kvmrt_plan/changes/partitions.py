# SPDX-License-Identifier: Apache-2.0
"""A slice of its own for each RT VM, and in it an isolated partition: the strongest shield of cgroup v2.

Where partitions are not known, or not wanted, the slices stand alone: when no RT guest runs in machine.slice
any more, that one is narrowed (changes/slices.py), and with it all other guests.

A partition takes its CPUs away from everybody else: from all tasks, unbound kernel threads included, that
are not in its slice (Documentation/admin-guide/cgroup-v2.rst, cpuset.cpus.partition). It is valid while no
other top-level cgroup names one of its CPUs, so those that do are narrowed (changes/slices.py), and the
order of writes never lets two name the same CPU (plan/order.py).

A guest that runs elsewhere must not lose its CPUs to its own partition: until it restarts in its slice, the
weaker shield holds for it. A guest that runs in its slice keeps the CPUs of it until it restarts, so that
no thread of it is ever without one; what it does not need any more is pending.

Slices carry kvmrt's name and a VM's UUID. So whoever finds one knows whose it is without any record, and one
that no VM needs goes, unless a guest still runs in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kvmrt_plan.changes.bound_threads import GuestThreads
from kvmrt_plan.changes.change import (
    Activation,
    Change,
    Disturbance,
    Kind,
    NoChange,
    Pending,
)
from kvmrt_plan.changes.masks import released
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.facts.slices import GUESTS, ISOLATED, MEMBER, vm_slice
from kvmrt_plan.placement.shield import OWN_SLICES, Obstacles
from kvmrt_plan.values.cpuset import EMPTY, CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.changes.change import Considered, Reason
    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.placement.model import VmPlacement


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What an RT VM that holds policies gets of the shield."""

    placed: VmPlacement
    unit: str
    #: Why its CPUs cannot be a partition now; completes "no partition: ...". "": they can.
    obstacle: str
    #: Changes that move threads of other guests off its CPUs.
    pins: tuple[str, ...] = ()


class Partitions:
    """The slices of one host, as they are and as they should be."""

    def __init__(
        self, backend: ShieldBackend, masks: Masks, domains: Sequence[Considered] = ()
    ) -> None:
        self._masks = masks
        self._pins = [
            one for one in domains if isinstance(one, Change) and one.kind is Kind.DOMAIN_LIVE_PIN
        ]
        self._units = masks.facts.slices.by_name
        self._obstacles = Obstacles(masks.facts, masks.placement, backend)
        self._makes_partitions = backend is ShieldBackend.PARTITION
        self._occupied = self._obstacles.occupied
        inside = {uuid for uuid in masks.facts.domains if vm_slice(uuid) in self._occupied}
        self._threads = GuestThreads(masks.facts, self._pins, but=inside)
        holders = [one for one in masks.placement.vms if one.holds_policies and one.owned]
        self.shares = tuple(map(self._share, holders)) if backend in OWN_SLICES else ()
        if self._makes_partitions and not self.are_complete:
            self.shares = tuple(map(self._beside_guests, self.shares))
        self._by_unit = {one.unit: one for one in self.shares}
        self._wanted = {one.unit: self._cpus(one) for one in self.shares if not one.obstacle}

    @property
    def are_complete(self) -> bool:
        """Whether all CPUs of RT VMs are theirs by partitions, with nothing that may have to wait."""
        return all(not one.obstacle and not one.pins for one in self.shares)

    @property
    def standing_in_the_way(self) -> CpuSet:
        """CPUs of RT VMs that guests in machine.slice have until something changes."""
        return union(one.placed.owned for one in self.shares if one.obstacle)

    @property
    def pins(self) -> tuple[str, ...]:
        """Changes that move threads of guests off CPUs of RT VMs."""
        return tuple(sorted({pin for one in self.shares if not one.obstacle for pin in one.pins}))

    def changes(self) -> Iterator[Considered]:
        """Those of all slices: wanted ones, and those that are left over."""
        names = {one.name for one in self._masks.facts.slices.slices if one.is_of_a_vm}
        for unit in sorted(names | set(self._wanted)):
            target = self._wanted.get(unit)
            cpus = list(self._slice(unit, target))
            yield from cpus
            is_mixed = any(isinstance(one, Change) and _is_mixed(one) for one in cpus)
            yield from self._partition(unit, is_mixed=is_mixed)

    def _share(self, placed: VmPlacement) -> Share:
        unit = vm_slice(placed.vm.uuid)
        obstacle = self._obstacles.of(placed)
        if obstacle:
            return Share(placed=placed, unit=unit, obstacle=obstacle)
        bound = self._threads.on(placed.owned)
        if bound.staying:
            obstacle = f"threads of another guest are bound to CPUs {union(bound.staying)}"
        pins = {*bound.pins, *self._evicting(placed)}
        return Share(placed=placed, unit=unit, obstacle=obstacle, pins=tuple(sorted(pins)))

    def _beside_guests(self, share: Share) -> Share:
        """While an RT guest runs in machine.slice, that is not narrowed to make room for others."""
        guests = self._units.get(GUESTS)
        shared = (guests.allowed if guests and guests.allowed else EMPTY) & share.placed.owned
        if not shared or share.obstacle or f"slice/{GUESTS}" in self._masks.facts.held:
            return share
        return replace(share, obstacle=f"{GUESTS} has CPUs {shared}, and an RT guest runs there")

    def _evicting(self, placed: VmPlacement) -> Iterator[str]:
        """Pins of other guests whose threads the partition would move before the pins do."""
        for one in self._pins:
            is_other = one.owner != str(placed.vm.uuid)
            if is_other and CpuSet.parse(one.before or "") & placed.owned:
                yield one.address

    def _cpus(self, share: Share) -> CpuSet:
        present = self._units.get(share.unit)
        kept = present.allowed if present and share.unit in self._occupied else None
        return share.placed.owned | (kept or EMPTY)

    def _slice(self, unit: str, target: CpuSet | None) -> Iterator[Considered]:
        """Its CPUs. A slice that should go stays while a guest runs in it, off the CPUs of others."""
        present = self._units.get(unit)
        now = present.allowed if present is not None else None
        if target is None and now is not None and unit in self._occupied:
            taken = union(self._wanted.values())
            target = now - taken or self._masks.placement.housekeeping
        if target is None and now is None:
            return
        share = self._by_unit.get(unit)
        reason = self._reason(unit)
        address, label = f"vm-slice/{unit}", share.placed.vm.name if share else ""
        if target == now:
            yield NoChange(
                kind=Kind.VM_SLICE, address=address, value=str(now), reason=reason, label=label
            )
        else:
            yield Change(
                kind=Kind.VM_SLICE,
                address=address,
                before=str(now) if now else None,
                after=str(target) if target else None,
                disturbance=Disturbance.HOST,
                reason=reason,
                requires=self._before_slice(share, now, target),
                label=label,
            )
        if share is not None and target is not None and target != share.placed.owned:
            yield Pending(
                kind=Kind.VM_SLICE,
                address=address,
                running=str(target),
                written=str(share.placed.owned),
                activation=Activation.GUEST_RESTART,
                label=label,
            )

    def _before_slice(
        self, share: Share | None, now: CpuSet | None, target: CpuSet | None
    ) -> tuple[str, ...]:
        """A partition that grows takes CPUs away from others; one that moves waits for those that shrink."""
        if share is None or now is None or target is None:
            return ()
        if now <= target:
            return share.pins
        shrinking = (
            f"vm-slice/{unit}"
            for unit, one in self._units.items()
            if one.is_of_a_vm and one.allowed and unit != share.unit
            if self._wanted.get(unit, EMPTY) <= one.allowed
        )
        return () if target <= now else tuple(sorted(shrinking))

    def _partition(self, unit: str, *, is_mixed: bool) -> Iterator[Considered]:
        present = self._units.get(unit)
        now = (present.partition if present is not None else "") or MEMBER
        share = self._by_unit.get(unit)
        address, label = f"partition/{unit}", share.placed.vm.name if share else ""
        reason = self._reason(unit)
        is_wanted = unit in self._wanted and self._makes_partitions
        if is_wanted and now == ISOLATED and not is_mixed:
            yield NoChange(
                kind=Kind.PARTITION, address=address, value=now, reason=reason, label=label
            )
            return
        if now != MEMBER:
            yield Change(
                kind=Kind.PARTITION_LIFT,
                address=f"{address}/lifted",
                before=now,
                after=MEMBER,
                disturbance=Disturbance.HOST,
                reason=reason,
                label=label,
            )
        if is_wanted:
            yield Change(
                kind=Kind.PARTITION,
                address=address,
                before=MEMBER,
                after=ISOLATED,
                disturbance=Disturbance.HOST,
                reason=reason,
                requires=(f"vm-slice/{unit}", *(share.pins if share else ())),
                label=label,
            )

    def _reason(self, unit: str) -> Reason:
        share = self._by_unit.get(unit)
        if share is None or unit not in self._wanted:
            return released()
        return self._masks.reasons.leaving(share.placed.owned)


def _is_mixed(change: Change) -> bool:
    """Whether the slice both gains and loses CPUs: then for a moment it would share some with others."""
    if change.before is None or change.after is None:
        return False
    before, after = CpuSet.parse(change.before), CpuSet.parse(change.after)
    return not before <= after and not after <= before

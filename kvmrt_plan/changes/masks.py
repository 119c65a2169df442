# SPDX-License-Identifier: Apache-2.0
"""CPU masks of the host that must not name CPUs of RT VMs: what each of them should be.

A mask that kvmrt has narrowed before is planned from the value it had before that, as long as nobody else
has written it since: so it grows back when a VM no longer needs the CPUs, and returns to the recorded
value when none does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Change,
    Disturbance,
    Reason,
    ReasonCode,
    unless_right,
)
from kvmrt_plan.changes.reasons import CpuReasons
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.changes.change import Considered, Kind
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement

_RELEASED = Reason(code=ReasonCode.RELEASED, text="no VM that runs or starts by itself needs it")


class Masks:
    """What the masks of one host should be, given a placement."""

    def __init__(self, facts: HostFacts, placement: Placement) -> None:
        self.facts = facts
        self.placement = placement
        self.reasons = CpuReasons(placement, facts.cpus)

    def wanted(self, address: str, now: CpuSet) -> CpuSet | None:
        """The mask that the address should have; None: it is not managed."""
        before = self.before(address, now)
        if self.placement.isolated:
            return self.leave(before)
        return before if address in self.facts.held else None

    def leave(self, cpus: CpuSet) -> CpuSet:
        """A mask without the CPUs of RT VMs: the housekeeping CPUs it has, or all when it has none."""
        if not cpus & self.placement.isolated:
            return cpus
        housekeeping = self.placement.housekeeping
        return cpus & housekeeping or housekeeping

    def consider(
        self, kind: Kind, address: str, now: CpuSet, *, label: str = ""
    ) -> Considered | None:
        """The change of a mask to what it should be; None: it is not managed."""
        wanted = self.wanted(address, now)
        if wanted is None:
            return None
        reason = self._reason(address, now, wanted)
        return unless_right(
            Change(
                kind=kind,
                address=address,
                before=str(now),
                after=str(wanted),
                disturbance=Disturbance.HOST,
                reason=reason,
                label=label,
            )
        )

    def before(self, address: str, now: CpuSet) -> CpuSet:
        """What it was before kvmrt wrote it, as long as nobody else has written it since."""
        held = self.facts.held.get(address)
        if held is None or held.written != str(now) or held.original is None:
            return now
        return CpuSet.parse(held.original)

    def _reason(self, address: str, now: CpuSet, wanted: CpuSet) -> Reason:
        before = self.before(address, now)
        if before != now and not wanted <= now:
            return _RELEASED
        return self.reasons.leaving(before)


def released() -> Reason:
    """Why a policy is taken back."""
    return _RELEASED

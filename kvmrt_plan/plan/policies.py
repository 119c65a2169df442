# SPDX-License-Identifier: Apache-2.0
"""Which policies are in force, read off a plan: what it would change is not held, what it would not is.

Nothing is decided here a second time. The states:

- held: the value is the wanted one;
- pending: it is written, and in effect only after a guest's restart or a boot;
- not held: the plan would write it;
- foreign: the same, where kvmrt had written it and somebody else has since;
- weaker: a finding says that the host cannot keep the policy in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Kind, NoChange
from kvmrt_plan.plan.order import PHASE, natural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.change import Pending
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement
    from kvmrt_plan.plan.action import Plan

#: What is no policy but the user's own words, or what a command did; and what is done once, and leaves
#: nothing that could be read.
_NO_POLICY = frozenset(
    {
        Kind.DOMAIN_RENAME,
        Kind.DOMAIN_AUTOSTART,
        Kind.DOMAIN_STATE,
        Kind.FILE,
        Kind.SERVICE,
        Kind.CPU_EVACUATION,
    }
)
#: Kinds whose address ends in the number of a CPU.
_OF_A_CPU = frozenset({Kind.CPU_ONLINE, Kind.CPU_POWER})
_WORDS = ("/title", "/description")
#: Findings of what a host cannot keep in full: the task shield, guests without pins, nodes without a
#: housekeeping CPU, managed interrupts, and who writes the same (irqbalance, TuneD, containers).
_WEAKER = frozenset(
    {
        "KR125", "KR133", "KR149", "KR204", "KR205", "KR206", "KR207", "KR209", "KR210", "KR211",
        "KR212", "KR213", "KR214", "KR223", "KR228", "KR229", "KR244", "KR245",
    }
)  # fmt: skip


class State(StrEnum):
    """How it stands with a policy, the worst first."""

    FOREIGN = "foreign"
    NOT_HELD = "not held"
    WEAKER = "weaker"
    PENDING = "pending"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One address and how it stands with it, or one finding."""

    state: State
    #: What the plan has of it.
    subject: Change | NoChange | Pending | Finding
    address: str
    wanted: str | None
    present: str | None
    #: Why it is wanted, "" when that is not known any more.
    reason: str
    #: Names of the VMs that need it; empty when none does.
    vms: tuple[str, ...]


def policies_of(plan: Plan, facts: HostFacts, placement: Placement) -> tuple[Policy, ...]:
    """All policies of the plan, the worst first, then in the order of plans. A plan with errors has no
    actions, so that it tells nothing of what is not held: see `plan.is_errored`.
    """
    owners = _Owners(plan, placement)
    found = [
        *_changes(plan, facts, owners),
        *(_weaker(one, plan) for one in plan.findings if one.code in _WEAKER),
        *(_pending(one, owners) for one in plan.pending if _is_policy(one)),
        *(_held(one, owners) for one in plan.unchanged if _is_policy(one)),
    ]
    order = list(State)
    return tuple(sorted(found, key=lambda one: order.index(one.state)))


class _Owners:
    """Whose a policy is: a VM's own, that of the VM to which the CPU belongs, or of all holders."""

    def __init__(self, plan: Plan, placement: Placement) -> None:
        self._all = plan.holder_names
        self._names = {str(one.vm.uuid): one.vm.name for one in placement.vms}
        self._owned = [(one.vm.name, one.owned) for one in placement.vms if one.holds_policies]

    def of(self, one: Change | NoChange | Pending) -> tuple[str, ...]:
        """The names."""
        if one.owner:
            return (self._names.get(one.owner, one.owner),)
        if one.kind in _OF_A_CPU:
            cpu = int(one.address.rpartition("/")[2])
            return tuple(name for name, owned in self._owned if cpu in owned)
        return self._all


def _changes(plan: Plan, facts: HostFacts, owners: _Owners) -> Iterator[Policy]:
    changes = [action.change for action in plan.actions if _is_policy(action.change)]
    for change in sorted(changes, key=lambda one: (PHASE[one.kind], natural(one.address))):
        known = facts.held.get(change.address)
        is_foreign = known is not None and known.written != change.before
        yield Policy(
            state=_state(change, is_foreign=is_foreign),
            subject=change,
            address=change.address,
            wanted=change.after,
            present=change.before,
            reason=change.reason.text,
            vms=owners.of(change),
        )


def _state(change: Change, *, is_foreign: bool) -> State:
    if change.is_kept:
        return State.HELD
    return State.FOREIGN if is_foreign else State.NOT_HELD


def _pending(one: Pending, owners: _Owners) -> Policy:
    return Policy(
        state=State.PENDING,
        subject=one,
        address=one.address,
        wanted=one.written,
        present=one.running,
        reason="",
        vms=owners.of(one),
    )


def _held(one: NoChange, owners: _Owners) -> Policy:
    return Policy(
        state=State.HELD,
        subject=one,
        address=one.address,
        wanted=one.value,
        present=one.value,
        reason=one.reason.text,
        vms=owners.of(one),
    )


def _weaker(finding: Finding, plan: Plan) -> Policy:
    return Policy(
        state=State.WEAKER,
        subject=finding,
        address=finding.code,
        wanted=finding.remedy,
        present=finding.summary,
        reason=finding.detail,
        vms=(finding.vm,) if finding.vm else plan.holder_names,
    )


def _is_policy(one: Change | NoChange | Pending) -> bool:
    return one.kind not in _NO_POLICY and not one.address.endswith(_WORDS)

# SPDX-License-Identifier: Apache-2.0
"""Changes become a plan. Pure: the same inputs give the same plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, NoChange, Pending
from kvmrt_plan.diagnostics import has_errors
from kvmrt_plan.plan.action import Action, Plan, PlannedHost
from kvmrt_plan.plan.drift import find_drift
from kvmrt_plan.plan.order import PHASE, natural, order_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmrt_plan.changes.change import Considered
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement
    from kvmrt_plan.plan.goal import Goal


def make_plan(
    goal: Goal,
    facts: HostFacts,
    placement: Placement,
    considered: Sequence[Considered],
    *,
    findings: tuple[Finding, ...],
) -> Plan:
    """Order and number the changes. With an error among the findings there are no actions: half of
    what was asked is not what was asked.
    """
    changes = order_changes([one for one in considered if isinstance(one, Change)])
    return Plan(
        host=planned_host(facts),
        configuration=goal.configuration.file,
        narrowed_to=goal.narrowed_to,
        actions=() if has_errors(findings) else number_actions(changes),
        pending=_sorted_pending(considered),
        unchanged=_sorted_unchanged(considered),
        findings=findings,
        holder_names=_holder_names(placement) if goal.has_policies else (),
        holders=_holders(goal, facts, placement),
        drift=find_drift(changes, facts, placement),
    )


def planned_host(facts: HostFacts) -> PlannedHost:
    """The host that these are facts of, as a plan names it."""
    return PlannedHost(
        name=facts.name,
        captured=facts.captured,
        kernel=facts.kernel.release,
        boot_id=facts.kernel.boot_id,
    )


def _holders(goal: Goal, facts: HostFacts, placement: Placement) -> tuple[str, ...]:
    """The VMs whose policies are in force afterwards: the same as before where none is touched."""
    if not goal.has_policies:
        return tuple(sorted(map(str, facts.holders)))
    return tuple(sorted(str(one.vm.uuid) for one in placement.vms if one.holds_policies))


def _holder_names(placement: Placement) -> tuple[str, ...]:
    return tuple(one.vm.name for one in placement.vms if one.holds_policies)


def number_actions(ordered: list[Change]) -> tuple[Action, ...]:
    """Ordered changes as actions, each with the numbers of those that it requires."""
    numbers = {change.address: number for number, change in enumerate(ordered, start=1)}
    return tuple(
        Action(
            number=number,
            change=change,
            requires=tuple(sorted(numbers[a] for a in change.requires if a in numbers)),
        )
        for number, change in enumerate(ordered, start=1)
    )


def _sorted_pending(considered: Sequence[Considered]) -> tuple[Pending, ...]:
    found = [one for one in considered if isinstance(one, Pending)]
    return tuple(sorted(found, key=lambda one: (PHASE[one.kind], natural(one.address))))


def _sorted_unchanged(considered: Sequence[Considered]) -> tuple[NoChange, ...]:
    found = [one for one in considered if isinstance(one, NoChange)]
    return tuple(sorted(found, key=lambda one: (PHASE[one.kind], natural(one.address))))

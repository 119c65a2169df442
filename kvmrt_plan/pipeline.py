# SPDX-License-Identifier: Apache-2.0
"""The whole flow: a goal and a snapshot in, a plan out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.collect import collect_changes
from kvmrt_plan.changes.domain_state import state_changes
from kvmrt_plan.diagnostics import sort_findings, warnings_as_errors
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.make import make_plan
from kvmrt_plan.plan.narrow import narrow_changes, only_definitions
from kvmrt_plan.rules.check import check

if TYPE_CHECKING:
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.plan.action import Plan
    from kvmrt_plan.plan.goal import Goal


def plan_host(goal: Goal, snapshot: Snapshot) -> Plan:
    """What has to change on the host of the snapshot so that it is as the goal asks.

    Raises:
        FactError, DomainXmlError: a raw text is not what it should be.
    """
    return plan_facts(goal, gather_facts(snapshot))


def plan_facts(goal: Goal, facts: HostFacts) -> Plan:
    """The same for facts that were gathered already.

    Raises:
        DomainXmlError: a domain's XML is not what it should be.
    """
    configuration = goal.configuration
    placement = place(configuration, facts, named=goal.narrowed_to, released=goal.released)
    findings = sort_findings([*goal.findings, *check(configuration, facts, placement)])
    if goal.is_strict:
        findings = warnings_as_errors(findings)
    considered = collect_changes(configuration, facts, placement)
    considered = narrow_changes(
        considered, configuration, goal.narrowed_to, has_definitions=goal.has_definitions
    )
    considered += state_changes(configuration, facts, started=goal.started, stopped=goal.stopped)
    if not goal.has_policies:
        considered = only_definitions(considered)
    return make_plan(goal, facts, placement, considered, findings=findings)

# SPDX-License-Identifier: Apache-2.0
"""The whole flow: configuration and snapshot in, plan out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.collect import collect_changes
from kvmrt_plan.diagnostics import sort_findings, warnings_as_errors
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.make import make_plan
from kvmrt_plan.plan.narrow import narrow_changes
from kvmrt_plan.rules.check import check

if TYPE_CHECKING:
    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.plan.action import Plan


def plan_host(
    configuration: Configuration,
    snapshot: Snapshot,
    *,
    narrowed_to: tuple[str, ...] = (),
    findings: tuple[Finding, ...] = (),
    is_strict: bool = False,
) -> Plan:
    """What has to change on the host of the snapshot so that it is as the configuration asks.

    Args:
        configuration: the desired state.
        snapshot: the host's raw texts.
        narrowed_to: names of VMs: only they are defined, and only they and what runs hold policies.
        findings: what reading the configuration found; they become part of the plan.
        is_strict: warnings count as errors.

    Raises:
        FactError, DomainXmlError: a raw text is not what it should be.
    """
    facts = gather_facts(snapshot)
    placement = place(configuration, facts, named=narrowed_to)
    found = sort_findings([*findings, *check(configuration, facts, placement)])
    if is_strict:
        found = warnings_as_errors(found)
    considered = collect_changes(configuration, facts, placement)
    considered = narrow_changes(considered, configuration, narrowed_to)
    return make_plan(configuration, facts, considered, findings=found, narrowed_to=narrowed_to)

# SPDX-License-Identifier: Apache-2.0
"""One configuration on one host: its findings, allowances, and the plan. Pure; the clock is an argument."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity, Source, sort_findings, warnings_as_errors
from kvmrt_plan.errors import KvmrtError
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.fleet.age import age_findings, age_of
from kvmrt_plan.fleet.allowances import settle_findings
from kvmrt_plan.fleet.checked import Checked, Described
from kvmrt_plan.pipeline import plan_facts
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.rules.check import check
from kvmrt_plan.values.cpuset import union

if TYPE_CHECKING:
    from datetime import datetime

    from kvmrt_plan.desired.allowance import Allowance
    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.facts.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for every configuration of a run."""

    now: datetime
    #: From the command line.
    allowances: tuple[Allowance, ...] = ()
    is_strict: bool = False
    #: Days after which a snapshot is too old; None: never.
    limit_days: int | None = None
    #: Whether a configuration without a snapshot is meant to have none.
    has_no_hosts: bool = False


def check_alone(configuration: Configuration, terms: Terms) -> Checked:
    """What can be checked without a host."""
    findings = list(check(configuration, None, None))
    if not terms.has_no_hosts:
        findings.append(_without_snapshot(configuration.file))
    made = Checked(
        file=configuration.file,
        vms=_described(configuration),
        rt_cpus=union(vm.cpuset for vm in configuration.vms if vm.rt),
    )
    return _settled(made, findings, configuration, terms)


def check_on_host(
    configuration: Configuration, snapshot: Snapshot, terms: Terms, *, path: str
) -> Checked:
    """Everything, and the plan; `path` is the snapshot's file."""
    age = age_of(snapshot.captured, terms.now)
    made = Checked(
        file=configuration.file,
        snapshot=path,
        host=snapshot.name,
        age_seconds=age,
        vms=_described(configuration),
    )
    findings = age_findings(path, snapshot.captured, age, limit_days=terms.limit_days)
    try:
        facts = gather_facts(snapshot)
        placement = place(configuration, facts)
        plan = plan_facts(Goal(configuration=configuration), facts)
    except KvmrtError as error:
        return _settled(made, [*findings, unusable_host(path, error)], configuration, terms)
    made = replace(
        made,
        plan=plan,
        rt_cpus=union(one.owned for one in placement.vms if one.vm.rt),
        has_running_guests=any(domain.is_running for domain in facts.domains.values()),
    )
    return _settled(made, [*findings, *plan.findings], configuration, terms)


def unusable_file(file: str, error: KvmrtError) -> Finding:
    """KR001: the configuration cannot be read at all."""
    return Finding(
        code="KR001",
        severity=Severity.ERROR,
        summary=error.problem,
        remedy=error.remedy,
        source=Source(file),
    )


def unusable_host(snapshot: str, error: KvmrtError) -> Finding:
    """KR308: there is a snapshot, and it says nothing."""
    return Finding(
        code="KR308",
        severity=Severity.ERROR,
        summary=f"the snapshot cannot be used: {error.problem}",
        remedy=error.remedy,
        source=Source(snapshot),
    )


def _without_snapshot(file: str) -> Finding:
    return Finding(
        code="KR305",
        severity=Severity.WARNING,
        summary="there is no snapshot: checked without a host",
        detail="CPUs, nodes, interrupts and domains of the host are not known, and no plan is made",
        remedy="put the host's snapshot beside it under the same name (.json), name it with "
        "--host, or say --no-host",
        source=Source(file),
    )


def _settled(
    made: Checked, findings: list[Finding], configuration: Configuration, terms: Terms
) -> Checked:
    allowances = (*configuration.allow, *terms.allowances)
    settled = settle_findings(findings, allowances, today=terms.now.date())
    left = sort_findings(list(settled.findings))
    return replace(
        made,
        findings=warnings_as_errors(left) if terms.is_strict else left,
        allowed=settled.allowed,
        idle=settled.idle,
    )


def _described(configuration: Configuration) -> tuple[Described, ...]:
    return tuple(
        Described(uuid=vm.uuid, name=vm.name, source=vm.source_of("uuid"))
        for vm in configuration.vms
    )

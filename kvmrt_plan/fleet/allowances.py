# SPDX-License-Identifier: Apache-2.0
"""Findings that are accepted: what is left of them, and what is wrong with the allowances.

An error is never accepted: no plan is made while it stands, so a check that passed would promise what
`kvmrt apply` refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.fleet.checked import Allowed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from kvmrt_plan.desired.allowance import Allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Findings after the allowances."""

    #: What still counts, with findings about the allowances themselves.
    findings: tuple[Finding, ...]
    allowed: tuple[Allowed, ...]
    #: Allowances of files that met nothing.
    idle: tuple[Allowance, ...]


def settle_findings(
    findings: Iterable[Finding], allowances: Iterable[Allowance], *, today: date
) -> Settled:
    """Take accepted findings out; `today` is a day in UTC."""
    left, allowed = list(findings), list[Allowed]()
    about: list[Finding] = []
    idle: list[Allowance] = []
    for one in allowances:
        if not _is_known(one.code):
            about.append(_unknown(one))
        elif one.until is not None and one.until < today:
            about.append(_expired(one))
        else:
            met = [finding for finding in left if _meets(one, finding)]
            taken = [finding for finding in met if finding.severity is not Severity.ERROR]
            about += [_refused(one, finding) for finding in met if finding not in taken]
            allowed += [
                Allowed(finding=finding, reason=one.reason, source=one.source) for finding in taken
            ]
            left = [finding for finding in left if finding not in taken]
            already = any(_meets(one, other.finding) for other in allowed)
            if not met and not already and one.source is not None:
                idle.append(one)
    return Settled(findings=(*left, *about), allowed=tuple(allowed), idle=tuple(idle))


def idle_finding(one: Allowance) -> Finding:
    """KR302: nothing is left that would have to be allowed."""
    return Finding(
        code="KR302",
        severity=Severity.ADVICE,
        summary=f"the allowance of {_named(one)} meets no finding",
        remedy="remove it, so that it does not hide a finding of later",
        source=one.source,
    )


def _meets(one: Allowance, finding: Finding) -> bool:
    return finding.code == one.code and (not one.vm or finding.vm == one.vm)


def _is_known(code: str) -> bool:
    # Few configurations have allowances: the others do not load the catalogue.
    from kvmrt_plan.rules.catalogue_all import ENTRIES_BY_CODE

    return code in ENTRIES_BY_CODE


def _named(one: Allowance) -> str:
    return f"{one.code} for {one.vm}" if one.vm else one.code


def _expired(one: Allowance) -> Finding:
    return Finding(
        code="KR301",
        severity=Severity.WARNING,
        summary=f"the allowance of {_named(one)} ended on {one.until}",
        detail=f"it was: {one.reason}",
        remedy="mend what it allowed, or set a later `until` with the reason of today",
        source=one.source,
    )


def _unknown(one: Allowance) -> Finding:
    return Finding(
        code="KR303",
        severity=Severity.WARNING,
        summary=f"an allowance names {one.code}, which no finding has",
        remedy="take the code from the finding that is meant; docs/findings.md has them all",
        source=one.source,
    )


def _refused(one: Allowance, finding: Finding) -> Finding:
    return Finding(
        code="KR304",
        severity=Severity.WARNING,
        summary=f"{_named(one)} is an error here and cannot be allowed",
        detail=f"no plan is made while it stands: {finding.summary}",
        remedy="mend the error, and remove the allowance",
        source=one.source,
        vm=finding.vm,
    )

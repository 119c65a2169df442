# SPDX-License-Identifier: Apache-2.0
"""A check as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan import __version__
from kvmrt_plan.diagnostics import Severity
from kvmrt_plan.plan.document import finding_document, plan_summary

if TYPE_CHECKING:
    from kvmrt_plan.fleet.checked import Checked, Report

FORMAT_VERSION = "1.0"


def report_document(report: Report) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "format": "kvmrt-check",
        "format_version": FORMAT_VERSION,
        "kvmrt_version": __version__,
        "summary": {
            "errors": report.count(Severity.ERROR),
            "warnings": report.count(Severity.WARNING),
            "changes": report.changes,
        },
        "checks": [_check(one) for one in report.checked],
    }


def _check(one: Checked) -> dict[str, Any]:
    return {
        "configuration": one.file,
        "snapshot": one.snapshot,
        "host": one.host or None,
        "age_seconds": one.age_seconds,
        "vms": [vm.name for vm in one.vms],
        "rt_cpus": str(one.rt_cpus),
        "changes": one.changes,
        "plan": None if one.plan is None else plan_summary(one.plan),
        "touching_guests": [action.change.address for action in one.touching_guests],
        "findings": [finding_document(finding) for finding in one.findings],
        "allowed": [
            {
                **finding_document(allowed.finding),
                "reason": allowed.reason,
                "allowance": str(allowed.source) if allowed.source else None,
            }
            for allowed in one.allowed
        ],
    }

# SPDX-License-Identifier: Apache-2.0
"""The words that all views of a check share: ages, counts, one row for each host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Severity

if TYPE_CHECKING:
    from kvmrt_plan.fleet.checked import Checked, Report

HEADINGS = ("CONFIGURATION", "HOST", "VMS", "RT CPUS", "FINDINGS", "CHANGES", "AGE")
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def row_of(one: Checked, *, has_cpulist: bool = True) -> tuple[str, ...]:
    """The cells below `HEADINGS`; `-` is what is not known."""
    cpus = str(one.rt_cpus) if has_cpulist else f"{len(one.rt_cpus)} CPUs"
    is_read = bool(one.vms or one.plan)
    return (
        one.file,
        one.host or "-",
        str(len(one.vms)) if is_read else "-",
        (cpus or "none") if is_read else "-",
        counts_of(one) or "none",
        "-" if one.changes is None else str(one.changes),
        age_text(one.age_seconds),
    )


def age_text(seconds: int | None) -> str:
    """`3 d`, `5 h`, `0 min`; `-` when it is not known.

    >>> age_text(3 * 86400 + 5), age_text(7200), age_text(None)
    ('3 d', '2 h', '-')
    """
    if seconds is None or seconds < 0:
        return "-"
    for unit, name in _UNITS:
        if seconds >= unit:
            return f"{seconds // unit} {name}"
    return "0 min"


def counts_of(one: Checked | Report) -> str:
    """`1 error, 2 warnings`, or nothing."""
    parts = []
    for severity, plural in ((Severity.ERROR, "s"), (Severity.WARNING, "s"), (Severity.ADVICE, "")):
        count = one.count(severity)
        if count:
            parts.append(f"{count} {severity}{plural if count != 1 else ''}")
    return ", ".join(parts)


def total_text(report: Report) -> str:
    """`3 configurations: 1 error, 2 warnings; 45 changes`."""
    files = len({one.file for one in report.checked})
    checked = f"{files} configuration{'s' * (files != 1)}"
    changes = f"{report.changes} change{'s' * (report.changes != 1)}" if report.changes else ""
    return f"{checked}: {counts_of(report) or 'no findings'}; {changes or 'no changes'}"


def label_of_check(one: Checked) -> str:
    """`hosts/rt1.yaml on rt1`."""
    return f"{one.file} on {one.host}" if one.host else one.file

# SPDX-License-Identifier: Apache-2.0
"""What guards an apply, as text and as events: probes, and the time in which it has to be confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.terminal import Painter, Style, fold

if TYPE_CHECKING:
    from kvmrt_plan.apply.probes import ProbeReport


def probes_lines(report: ProbeReport, *, width: int, painter: Painter) -> list[str]:
    """Which probes count, and which do not."""
    if not report.was_run:
        text = f"probes are not run on a simulated host: {', '.join(report.labels)}"
        lines = fold(escape_text(text), width, indent=2, first=0)
        return [painter.paint(line, Style.QUIET) for line in lines]
    lines = []
    if report.passing:
        text = f"passes now, and has to pass afterwards: {', '.join(report.passing)}"
        lines += fold(escape_text(text), width, indent=2, first=0)
    for label, cause in report.failing:
        text = f"not counted, fails already: {label}: {cause}"
        lines += [
            painter.paint(line, Style.WARNING)
            for line in fold(escape_text(text), width, indent=2, first=0)
        ]
    return lines


def probes_event(report: ProbeReport) -> dict[str, Any]:
    """The probes before the first write."""
    return {
        "type": "probes",
        "was_run": report.was_run,
        "passing": list(report.passing),
        "failing": [{"name": label, "cause": cause} for label, cause in report.failing],
    }


def waiting_lines(run: str, seconds: float, *, width: int, painter: Painter) -> list[str]:
    """What is left to be done."""
    text = f"is taken back in {seconds:g} s unless it is confirmed: kvmrt confirm {run}"
    lines = fold(escape_text(text), width, indent=4, first=2)
    return [painter.paint(line, Style.WARNING) for line in lines]


def waiting_event(run: str, seconds: float) -> dict[str, Any]:
    """The run waits to be confirmed."""
    return {"type": "unconfirmed", "run": run, "seconds": seconds}

# SPDX-License-Identifier: Apache-2.0
"""Results of host checks as text and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kvmrt_plan.hostchecks.check import Status
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.terminal import Painter, Style, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kvmrt_plan.hostchecks.check import Result

FORMAT_VERSION = "1.0"

_STYLES = {
    Status.PASS: Style.ADDED,
    Status.WARN: Style.WARNING,
    Status.FAIL: Style.ERROR,
    Status.SKIP: Style.QUIET,
}
_WRONG = frozenset({Status.WARN, Status.FAIL})
_INDENT = 10


def check_lines(
    results: Iterable[Result], *, width: int, painter: Painter, is_quiet: bool = False
) -> list[str]:
    """`warn HC25 Throttling of real-time tasks: 950000 ...`, what is wanted, why, and the remedy.

    The last line counts all of them; `is_quiet` shows only what is wrong.
    """
    done = list(results)
    shown = [one for one in done if not is_quiet or one.outcome.status in _WRONG]
    lines = [line for result in shown for line in _lines(result, width, painter)]
    counts = Counter(result.outcome.status for result in done)
    words = (("failed", Status.FAIL), ("warned", Status.WARN), ("passed", Status.PASS))
    parts = [f"{counts[status]} {word}" for word, status in words]
    lines.append(f"{len(done)} checks: {', '.join(parts)}, {counts[Status.SKIP]} skipped")
    return lines


def _lines(result: Result, width: int, painter: Painter) -> Iterator[str]:
    outcome, check = result.outcome, result.check
    head = f"{check.code} {check.title}: {outcome.present}"
    first, *rest = fold(escape_text(head), width, indent=_INDENT, first=len(outcome.status) + 1)
    yield painter.paint(outcome.status, _STYLES[outcome.status]) + first[len(outcome.status) :]
    yield from rest
    if outcome.status not in _WRONG:
        return
    for text in (f"wanted: {outcome.wanted}", f"why: {check.why}"):
        yield from fold(escape_text(text), width, indent=_INDENT, first=5)
    yield from fold(escape_text(f"-> {result.remedy}"), width, indent=8, first=5)


def checks_document(results: Iterable[Result], *, host: str) -> dict[str, Any]:
    """The results as plain values."""
    shown = list(results)
    counts = Counter(result.outcome.status for result in shown)
    return {
        "format": "kvmrt-host-checks",
        "format_version": FORMAT_VERSION,
        "host": host,
        "summary": {str(status): counts[status] for status in Status},
        "checks": [
            {
                "id": result.check.code,
                "number": result.check.number,
                "title": result.check.title,
                "result": str(result.outcome.status),
                "present": result.outcome.present,
                "wanted": result.outcome.wanted,
                "why": result.check.why,
                "remedy": result.remedy,
            }
            for result in shown
        ],
    }

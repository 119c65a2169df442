# SPDX-License-Identifier: Apache-2.0
"""A check as text: one table for all hosts, then what was found and what would change on each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.check_words import HEADINGS, label_of_check, row_of, total_text
from kvmrt_plan.views.findings import finding_lines
from kvmrt_plan.views.plan_text import render_plan, summary_text
from kvmrt_plan.views.plan_words import action_words
from kvmrt_plan.views.table import render_table
from kvmrt_plan.views.terminal import Painter, Style, fold

if TYPE_CHECKING:
    from kvmrt_plan.fleet.checked import Checked, Report

_RIGHT = frozenset({"VMS", "CHANGES", "AGE"})


def render_report(
    report: Report, *, width: int = 80, is_coloured: bool = False, is_verbose: bool = False
) -> str:
    """The whole report; ends with a newline."""
    painter = Painter(is_coloured=is_coloured)
    lines = _table(report, width)
    lines[0] = painter.paint(lines[0], Style.HEADING)
    for one in report.checked:
        part = _part(one, width, painter)
        if is_verbose and one.plan is not None:
            plan = render_plan(one.plan, width=width, is_coloured=is_coloured)
            part += ["", *plan.rstrip("\n").split("\n")]
        if part:
            lines += ["", painter.paint(label_of_check(one), Style.HEADING), *part]
    lines += ["", *fold(total_text(report), width, indent=2, first=0)]
    return "\n".join(lines) + "\n"


def _table(report: Report, width: int) -> list[str]:
    """The table; where it is too wide, a common folder stands above it, CPUs are counted, and at last
    a file's name stands above its row.
    """
    folder = _shared_folder([one.file for one in report.checked])
    for above, has_cpulist in (("", True), (folder, True), (folder, False)):
        rows = [row_of(one, has_cpulist=has_cpulist) for one in report.checked]
        short = [(row[0].removeprefix(above), *row[1:]) for row in rows]
        lines = render_table(HEADINGS, short, right=_RIGHT).splitlines()
        if all(len(line) <= width for line in lines):
            return [f"in {escape_text(above)}", *lines] if above else lines
    rest = render_table(HEADINGS[1:], [row[1:] for row in rows], right=_RIGHT).splitlines()
    lines = [f"  {rest[0]}"]
    for row, line in zip(rows, rest[1:], strict=True):
        lines += [escape_text(row[0]), f"  {line}"]
    return lines


def _shared_folder(files: list[str]) -> str:
    """`hosts/` where all files lie directly in it, otherwise nothing."""
    folders = {file.rpartition("/")[0] for file in files}
    folder = folders.pop()
    return "" if folders or not folder else f"{folder}/"


def _part(one: Checked, width: int, painter: Painter) -> list[str]:
    lines = finding_lines(one.findings, width, painter)
    for allowed in one.allowed:
        by = f" ({allowed.source})" if allowed.source else " (--allow)"
        text = f"allowed {allowed.finding.code} {allowed.finding.summary}: {allowed.reason}{by}"
        lines += fold(escape_text(text), width, indent=2, first=0)
    if one.plan is not None and one.changes:
        lines += fold(escape_text(summary_text(one.plan)), width, indent=2, first=0)
    if one.touching_guests:
        lines.append("a running guest would notice:")
        for action in one.touching_guests:
            words = action_words(action)
            text = f"{words.symbol} {words.subject}  {words.value}"
            lines += fold(text, width, indent=6, first=2)
    return lines

# SPDX-License-Identifier: Apache-2.0
"""A plan as text: what a reviewer reads before saying yes.

The summary stands first; then one group per time of effect, one action per line with its reason, which
moves to a line of its own where the width does not suffice; then what is pending; then findings; then
how far everything can be undone. Values are always shown whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Activation, Undo
from kvmrt_plan.plan.document import plan_summary
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.findings import finding_lines
from kvmrt_plan.views.plan_words import Words, action_words, pending_words, unchanged_words
from kvmrt_plan.views.terminal import Painter, Style, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kvmrt_plan.plan.action import Action, Plan

_GROUPS = (
    (Activation.NOW, "LIVE"),
    (Activation.GUEST_RESTART, "AT GUEST RESTART (written now, in effect when the guest restarts)"),
    (Activation.NEXT_BOOT, "AT NEXT BOOT (written now)"),
)
_STYLES = {"+": Style.ADDED, "~": Style.CHANGED, "-": Style.REMOVED, "=": Style.QUIET}

#: Columns before the subject of an action: number, blank, symbol, blank.
_LEAD = 8


def render_plan(
    plan: Plan, *, width: int = 80, is_coloured: bool = False, is_verbose: bool = False
) -> str:
    """The whole plan; ends with a newline."""
    painter = Painter(is_coloured=is_coloured)
    lines = _head(plan, width, painter)
    for activation, title in _GROUPS:
        actions = [one for one in plan.actions if one.change.activation is activation]
        if actions:
            lines += ["", painter.paint(title, Style.HEADING)]
            lines += _rows([action_words(action) for action in actions], width, painter)
    if plan.pending:
        title = "PENDING (written earlier, not yet in effect)"
        lines += ["", painter.paint(title, Style.HEADING)]
        lines += _rows([pending_words(one) for one in plan.pending], width, painter)
    if is_verbose and plan.unchanged:
        lines += ["", painter.paint("RIGHT ALREADY", Style.HEADING)]
        lines += _rows([unchanged_words(one) for one in plan.unchanged], width, painter)
    if plan.findings:
        lines += ["", *finding_lines(plan.findings, width, painter)]
    if plan.actions:
        lines += ["", *fold(f"undo: {_undo(plan.actions)}", width, indent=6, first=0)]
    return "\n".join(lines) + "\n"


def summary_text(plan: Plan) -> str:
    """`7 changes: 4 live, 2 at guest restart, 1 at next boot; 1 warning`."""
    counts = plan_summary(plan)
    if plan.is_errored:
        text = "no plan: errors have to be mended first"
    elif plan.actions:
        parts = [
            f"{counts[key]} {word}"
            for key, word in (
                ("now", "live"),
                ("guest_restart", "at guest restart"),
                ("next_boot", "at next boot"),
            )
            if counts[key]
        ]
        text = f"{_plural(len(plan.actions), 'change')}: {', '.join(parts)}"
    else:
        text = f"no changes: {_plural(counts['unchanged'], 'setting')} checked"
    extra = [
        _plural(counts[key], word) if word != "pending" else f"{counts[key]} pending"
        for key, word in (("pending", "pending"), ("errors", "error"), ("warnings", "warning"))
        if counts[key]
    ]
    return "; ".join([text, *([", ".join(extra)] if extra else [])])


def _head(plan: Plan, width: int, painter: Painter) -> list[str]:
    parts = ["kvmrt plan", f"host {plan.host.name}", plan.configuration]
    if plan.narrowed_to:
        parts.append(f"only {', '.join(plan.narrowed_to)}")
    parts.append(f"facts {plan.host.captured}")
    lines = fold(escape_text("  ".join(parts)), width, indent=4, first=0)
    summary = fold(summary_text(plan), width, indent=4, first=0)
    return [*lines, *(painter.paint(line, Style.HEADING) for line in summary)]


def _rows(rows: Sequence[Words], width: int, painter: Painter) -> list[str]:
    """One action per line, subjects and values in columns where that leaves room."""
    subject = min(max(len(row.subject) for row in rows), 34)
    value = min(max(len(row.value) for row in rows), 24)
    lines: list[str] = []
    for row in rows:
        lines += _row(row, (subject, value), width, painter)
    return lines


def _row(row: Words, columns: tuple[int, int], width: int, painter: Painter) -> list[str]:
    subject = f"{row.number:>5} {row.symbol} {row.subject:<{columns[0]}}"
    text = f"{subject}  {row.value:<{columns[1]}}"
    because = f"because {row.reason}" if row.reason else ""
    if len(text) + 2 + len(because) <= width:
        lines = [f"{text}  {because}".rstrip()]
    else:
        lines = fold(f"{subject.rstrip()}  {row.value}", width, indent=_LEAD + 2, first=0)
        if len(subject) + 2 + len(row.value) <= width:
            lines = [f"{subject}  {row.value}".rstrip()]
        if because:
            lines += fold(because, width, indent=_LEAD + 4, first=_LEAD + 2)
    mark = painter.paint(row.symbol, _STYLES.get(row.symbol, Style.PLAIN))
    lines[0] = lines[0][:6] + mark + lines[0][6 + len(row.symbol) :]
    return lines


def _undo(actions: Iterable[Action]) -> str:
    words = {
        Undo.FULLY: "fully",
        Undo.GUEST_RESTART: "when the guest restarts",
        Undo.NEXT_BOOT: "at the next boot",
    }
    numbers: dict[Undo, list[int]] = {}
    for action in actions:
        numbers.setdefault(action.change.undo, []).append(action.number)
    return ", ".join(
        f"{_ranges(numbers[undo])} {word}" for undo, word in words.items() if undo in numbers
    )


def _ranges(numbers: list[int]) -> str:
    from kvmrt_plan.values.cpuset import CpuSet  # noqa: PLC0415

    return str(CpuSet(numbers)).replace(",", ", ")


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

# SPDX-License-Identifier: Apache-2.0
"""A plan as text: what a reviewer reads before saying yes.

The summary stands first; then one group per time of effect, one action per line with its reason, which
moves to a line of its own where the width does not suffice; then drift with its causes; then what is pending;
then findings; then how far everything can be undone. Values are always shown whole.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Activation, Kind, Undo
from kvmrt_plan.plan.document import plan_summary
from kvmrt_plan.values.cpuset import CpuSet
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.findings import finding_lines
from kvmrt_plan.views.plan_words import (
    Words,
    action_words,
    drift_words,
    pending_words,
    unchanged_words,
)
from kvmrt_plan.views.terminal import Painter, Style, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kvmrt_plan.plan.action import Action, Plan

#: Actions by the time they take effect, with the heading of each.
GROUPS = (
    (Activation.NOW, "LIVE"),
    (Activation.GUEST_RESTART, "AT GUEST RESTART (written now, in effect when the guest restarts)"),
    (Activation.NEXT_BOOT, "AT NEXT BOOT (written now)"),
)
#: What a plan for the inside of guests changes.
_INSIDE = frozenset({Kind.GUEST_FILE, Kind.GUEST_SETTING})
_INSIDE_TITLE = "IN THE GUEST (through its agent; in effect when the guest restarts)"
_STYLES = {
    "+": Style.ADDED,
    "~": Style.CHANGED,
    "-": Style.REMOVED,
    "=": Style.QUIET,
    "!": Style.CHANGED,
}

#: The column of an action's symbol, behind its number.
_MARK = 6
_WIDEST_SUBJECT = 34
_WIDEST_VALUE = 24


def render_plan(
    plan: Plan, *, width: int = 80, is_coloured: bool = False, is_verbose: bool = False
) -> str:
    """The whole plan; ends with a newline."""
    painter = Painter(is_coloured=is_coloured)
    lines = _head(plan, width, painter)
    for actions, title in _grouped(plan.actions):
        if actions:
            lines += ["", painter.paint(title, Style.HEADING)]
            lines += _rows([action_words(action) for action in actions], width, painter)
    if plan.drift:
        title = "DRIFT (what kvmrt had written, and what is there now)"
        lines += ["", painter.paint(title, Style.HEADING)]
        lines += _rows([drift_words(one) for one in plan.drift], width, painter)
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
        lines += ["", *fold(f"undo: {undo_text(plan.actions)}", width, indent=6, first=0)]
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


def _grouped(actions: Sequence[Action]) -> Iterator[tuple[list[Action], str]]:
    """Actions by the time at which they take effect; what is inside of guests stands by itself."""
    outside = [one for one in actions if one.change.kind not in _INSIDE]
    for activation, title in GROUPS:
        yield [one for one in outside if one.change.activation is activation], title
    yield [one for one in actions if one.change.kind in _INSIDE], _INSIDE_TITLE


def _head(plan: Plan, width: int, painter: Painter) -> list[str]:
    parts = ["kvmrt plan", f"host {plan.host.name}", plan.configuration]
    if plan.narrowed_to:
        parts.append(f"only {', '.join(plan.narrowed_to)}")
    parts.append(f"facts {plan.host.captured}")
    lines = _joined(parts, width)
    if plan.narrowed_to:
        names = ", ".join(plan.holder_names) or "no VM"
        lines += fold(escape_text(f"policies of the host for {names}"), width, indent=4)
    summary = fold(summary_text(plan), width, indent=4, first=0)
    return [*lines, *(painter.paint(line, Style.HEADING) for line in summary)]


def _joined(parts: Sequence[str], width: int) -> list[str]:
    """Parts with two blanks between them, each kept whole, in as many lines as they need."""
    lines = [escape_text(parts[0])]
    for part in map(escape_text, parts[1:]):
        if len(lines[-1]) + 2 + len(part) <= width:
            lines[-1] += f"  {part}"
        else:
            lines.append(f"    {part}")
    return lines


def _rows(rows: Sequence[Words], width: int, painter: Painter) -> list[str]:
    """One action per line, subjects and values in columns where that leaves room.

    Actions in a row that share a reason which does not fit beside them stand below it together.
    """
    columns = (
        min(max(len(row.subject) for row in rows), _WIDEST_SUBJECT),
        min(max(len(row.value) for row in rows), _WIDEST_VALUE),
    )
    lines: list[str] = []
    for reason, group in groupby(rows, key=lambda row: row.reason):
        shared = list(group)
        inline = [_inline(row, columns) for row in shared]
        if reason and all(len(line) <= width for line in inline):
            texts = [[line] for line in inline]
        else:
            texts = [_alone(row, columns[0], width) for row in shared]
            if reason:
                lines += fold(f"because {reason}:", width, indent=4, first=2)
        for row, text in zip(shared, texts, strict=True):
            mark = painter.paint(row.symbol, _STYLES.get(row.symbol, Style.PLAIN))
            lines.append(text[0][:_MARK] + mark + text[0][_MARK + len(row.symbol) :])
            lines += text[1:]
    return lines


def _inline(row: Words, columns: tuple[int, int]) -> str:
    """The whole action in one line, however long."""
    return f"{_lead(row, columns[0])}  {row.value:<{columns[1]}}  because {row.reason}"


def _alone(row: Words, column: int, width: int) -> list[str]:
    """The action without its reason, in as many lines as it needs."""
    line = f"{_lead(row, column)}  {row.value}".rstrip()
    if len(line) <= width:
        return [line]
    text = f"{row.symbol} {row.subject}  {row.value}"
    lines = fold(text, width, indent=_MARK + 4, first=_MARK)
    lines[0] = f"{row.number:>{_MARK - 1}} {lines[0][_MARK:]}"
    return lines


def _lead(row: Words, column: int) -> str:
    return f"{row.number:>{_MARK - 1}} {row.symbol} {row.subject:<{column}}"


def undo_text(actions: Iterable[Action]) -> str:
    """`1-5 fully, 7 at the next boot`; nothing when there are no actions."""
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
    return str(CpuSet(numbers)).replace(",", ", ")


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

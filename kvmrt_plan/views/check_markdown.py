# SPDX-License-Identifier: Apache-2.0
"""A check as Markdown for a comment on a pull request: the table, findings, and each plan as a table.

GitHub takes comments of 65,536 characters: what does not fit is left out by whole parts and counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.check_words import HEADINGS, label_of_check, row_of, total_text
from kvmrt_plan.views.plan_text import summary_text
from kvmrt_plan.views.plan_words import action_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.fleet.checked import Checked, Report
    from kvmrt_plan.plan.action import Action

#: Below GitHub's limit, with room for the last lines.
_MOST_CHARACTERS = 60_000
_SPECIAL = frozenset("\\`*_{}[]#!~|^$")
#: `<` and `>` begin HTML, `&` an entity, `@` would call somebody, `:` makes links and emoji.
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;", ":": "&#58;"}


def render_markdown(report: Report) -> str:
    """The comment; ends with a newline."""
    titles = tuple(word.capitalize().replace("Vms", "VMs").replace("Rt cpus", "RT CPUs")
                   for word in HEADINGS)  # fmt: skip
    parts = [
        f"### kvmrt check\n\n{_escaped(total_text(report))}\n",
        _table(titles, [row_of(one) for one in report.checked]),
    ]
    for one in report.checked:
        parts += _parts(one)
    return _fitting(parts)


def _parts(one: Checked) -> list[str]:
    """What is said of one host, in pieces that are left out whole."""
    if not (one.findings or one.allowed or one.changes):
        return []
    parts = [f"#### {_escaped(label_of_check(one))}\n"]
    lines = [_finding(finding) for finding in one.findings]
    lines += [
        f"- allowed **{allowed.finding.code}** {_escaped(allowed.finding.summary)}: "
        f"{_escaped(allowed.reason)}"
        for allowed in one.allowed
    ]
    if lines:
        parts.append("".join(f"{line}\n" for line in lines))
    if one.touching_guests:
        told = ", ".join(_escaped(action_words(action).subject) for action in one.touching_guests)
        parts.append(f"**A running guest would notice:** {told}\n")
    if one.plan is not None and one.changes:
        summary = _escaped(summary_text(one.plan))
        rows = [_action(action) for action in one.plan.actions]
        table = _table(("", "", "What", "From and to", "When", "Because"), rows, is_escaped=True)
        parts.append(f"<details><summary>{summary}</summary>\n\n{table}\n</details>\n")
    return parts


def _finding(finding: Finding) -> str:
    place = f" ({_escaped(str(finding.source))})" if finding.source else ""
    detail = f"<br>{_escaped(finding.detail)}" if finding.detail else ""
    return (
        f"- {finding.severity} **{finding.code}** {_escaped(finding.summary)}{place}{detail}"
        f"<br>→ {_escaped(finding.remedy)}"
    )


def _action(action: Action) -> tuple[str, ...]:
    words = action_words(action)
    cells = (words.number, words.symbol, words.subject, words.value.replace(" -> ", " → "))
    return (*map(_escaped, cells), str(action.change.activation), _escaped(words.reason))


def _table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, is_escaped: bool = False
) -> str:
    lines = [titles, ["---"] * len(titles)]
    lines += rows if is_escaped else [[_escaped(cell) for cell in row] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _fitting(parts: list[str]) -> str:
    kept: list[str] = []
    length = 0
    for part in parts:
        length += len(part) + 1
        if length > _MOST_CHARACTERS:
            left = len(parts) - len(kept)
            kept.append(f"*{left} more parts do not fit into a comment: see `kvmrt check -v`.*\n")
            break
        kept.append(part)
    return "\n".join(kept)


def _escaped(text: str) -> str:
    """One line of plain text, whatever is in it."""
    safe = escape_text(text)
    return "".join(f"\\{one}" if one in _SPECIAL else _ENTITIES.get(one, one) for one in safe)

# SPDX-License-Identifier: Apache-2.0
"""What an import did, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kvmrt_plan.changes.importing import Outcome
from kvmrt_plan.plan.document import finding_document
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.terminal import Painter, Style, fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.importing import Difference, Import, Imported

FORMAT_VERSION = "1.0"

_STYLES = {
    Outcome.ADDED: Style.ADDED,
    Outcome.UPDATED: Style.CHANGED,
    Outcome.REFUSED: Style.ERROR,
}
_REMARKS = {
    Outcome.PRESENT: "is in the file already",
    Outcome.TRANSIENT: "has no definition that could be configured, and is left out",
    Outcome.REFUSED: "cannot be taken over",
}
_COLUMN = 11


def import_lines(
    done: Import, *, file: str, is_dry: bool, width: int, painter: Painter
) -> list[str]:
    """One line per domain, with what was updated below it, and a sum."""
    lines = [line for one in done.domains for line in _lines(one, width, painter)]
    counts = Counter(one.outcome for one in done.domains)
    parts = [f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome]]
    written = " (not written)" if is_dry else ""
    lines.append(f"{escape_text(file)}: {', '.join(parts) or 'libvirt has no domains'}{written}")
    return lines


def import_document(done: Import, *, file: str) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "format": "kvmrt-import",
        "format_version": FORMAT_VERSION,
        "file": file,
        "domains": [_document(one) for one in done.domains],
    }


def _lines(one: Imported, width: int, painter: Painter) -> Iterator[str]:
    word = painter.paint(one.outcome, _STYLES.get(one.outcome, Style.QUIET))
    remark = f"  {_REMARKS[one.outcome]}" if one.outcome in _REMARKS else ""
    if one.outcome is Outcome.ADDED:
        remark = f"  {one.uuid}"
    first, *rest = fold(f"{escape_text(one.name)}{remark}", width, indent=_COLUMN)
    yield word + " " * (_COLUMN - len(one.outcome)) + first.lstrip()
    yield from rest
    for difference in one.differences:
        yield from fold(escape_text(_difference(difference)), width, indent=_COLUMN + 4)
    for text in one.left_over:
        text_line = f"real time asks for another value, the plan has it: {text}"
        yield from fold(escape_text(text_line), width, indent=_COLUMN + 4)


def _difference(one: Difference) -> str:
    return f"{one.attribute} {_shown(one.before)} -> {_shown(one.after)}"


def _shown(text: str | None) -> str:
    return "unset" if text is None else text or "''"


def _document(one: Imported) -> dict[str, Any]:
    return {
        "name": one.name,
        "uuid": one.uuid,
        "outcome": str(one.outcome),
        "differences": [
            {"attribute": each.attribute, "before": each.before, "after": each.after}
            for each in one.differences
        ],
        "left_over": list(one.left_over),
        "finding": None if one.finding is None else finding_document(one.finding),
    }

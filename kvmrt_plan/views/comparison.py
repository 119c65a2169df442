# SPDX-License-Identifier: Apache-2.0
"""What differs between two snapshots, as text and as JSON."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.terminal import Painter, Style, fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kvmrt_plan.comparison.compare import Difference

FORMAT_VERSION = "1.0"


def comparison_lines(
    differences: Sequence[Difference], names: Mapping[str, str], *, width: int, painter: Painter
) -> Iterator[str]:
    """A heading for each table, and a line for each difference: `+`, `-` or `~`, then both values.

    Args:
        differences: what to show.
        names: domains' names by UUID.
        width: columns.
        painter: for colours.
    """
    for table, group in groupby(differences, key=lambda one: one.table):
        yield painter.paint(table.upper(), Style.HEADING)
        for one in group:
            yield from _lines(one, names, width, painter)
    count = len(differences)
    yield f"{count} difference{'s' * (count != 1)}" if count else "no difference"


def comparison_document(
    differences: Sequence[Difference], names: Mapping[str, str], *, files: tuple[str, str]
) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "format": "kvmrt-diff",
        "format_version": FORMAT_VERSION,
        "before": files[0],
        "after": files[1],
        "differences": [
            {
                "table": one.table,
                "subject": names.get(one.subject, one.subject),
                "place": list(one.place),
                "before": one.before,
                "after": one.after,
                "gained": str(one.gained),
                "lost": str(one.lost),
            }
            for one in differences
        ],
    }


def _lines(
    one: Difference, names: Mapping[str, str], width: int, painter: Painter
) -> Iterator[str]:
    sign, style = _sign(one)
    what = " ".join((names.get(one.subject, one.subject), *filter(None, one.place)))
    value = f"{_shown(one.before)} -> {_shown(one.after)}"
    if one.before is None or one.after is None:
        value = _shown(one.after if one.before is None else one.before)
    first, *rest = fold(
        f"{escape_text(what)}  {escape_text(value + _moved(one))}", width - 4, indent=4
    )
    yield f"  {painter.paint(sign, style)} {first.lstrip()}"
    yield from (f"  {line}" for line in rest)


def _sign(one: Difference) -> tuple[str, Style]:
    if one.before is None:
        return "+", Style.ADDED
    return ("-", Style.REMOVED) if one.after is None else ("~", Style.CHANGED)


def _moved(one: Difference) -> str:
    """Which CPUs came and went, where that is not plain to see."""
    parts = [f"+{one.gained}"] if one.gained else []
    parts += [f"-{one.lost}"] if one.lost else []
    return f" ({' '.join(parts)})" if parts else ""


def _shown(text: str | None) -> str:
    return text or "empty"

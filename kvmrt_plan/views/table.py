# SPDX-License-Identifier: Apache-2.0
"""Tables: one line per entry, columns as wide as their widest cell, nothing cut off."""

from __future__ import annotations

from kvmrt_plan.values.text import escape_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def render_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[str] = frozenset()
) -> str:
    """The table; cells are escaped, columns named in `right` end at their right edge."""
    table = [headings, *(rows if _are_plain(rows) else _escaped(rows))]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    form = "  ".join(
        f"%{width}s" if heading in right else f"%-{width}s"
        for heading, width in zip(headings, widths, strict=True)
    )
    return "".join(f"{(form % tuple(row)).rstrip()}\n" for row in table)


def _are_plain(rows: Sequence[Sequence[str]]) -> bool:
    # One look at all cells, of which most tables have no other: a tenth of the time of one at each.
    text = "".join(["".join(row) for row in rows])
    return text.isascii() and text.isprintable()


def _escaped(rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return [tuple(map(escape_text, row)) for row in rows]

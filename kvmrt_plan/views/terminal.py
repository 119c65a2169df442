# SPDX-License-Identifier: Apache-2.0
"""Lines for a terminal: folded without losing a character, coloured only when asked.

Nothing here cuts a value: what does not fit goes on in the next line. Colours are SGR sequences put
around text that has been escaped before, so that no text from outside can bring sequences of its own.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from kvmrt_plan.values.text import escape_text

if TYPE_CHECKING:
    from collections.abc import Iterator


class Style(Enum):
    """What a piece of text means; the colour follows from it."""

    PLAIN = ""
    HEADING = "1"
    ADDED = "32"
    CHANGED = "33"
    REMOVED = "31"
    ERROR = "1;31"
    WARNING = "1;33"
    QUIET = "2"


class Painter:
    """Puts a style around text, or leaves it alone."""

    def __init__(self, *, is_coloured: bool) -> None:
        self._is_coloured = is_coloured

    def paint(self, text: str, style: Style) -> str:
        """The text, escaped, in its style."""
        safe = escape_text(text)
        if not self._is_coloured or style is Style.PLAIN or not safe:
            return safe
        return f"\x1b[{style.value}m{safe}\x1b[0m"


def fold(text: str, width: int, *, indent: int = 0, first: int | None = None) -> list[str]:
    """The text in lines of at most `width` columns, broken at blanks and after commas.

    A piece longer than a line is not cut: it stands alone on a line that is too long, which a terminal
    shows whole.

    Args:
        text: one paragraph.
        width: columns.
        indent: blanks before every line after the first.
        first: blanks before the first line; `indent` when not given.
    """
    lines: list[str] = []
    current = " " * (indent if first is None else first)
    is_empty = True
    for piece in _pieces(text):
        if not is_empty and len(current) + len(piece.rstrip()) > width:
            lines.append(current.rstrip())
            current, is_empty = " " * indent, True
        current += piece.lstrip() if is_empty else piece
        is_empty = False
    lines.append(current.rstrip())
    return lines


def _pieces(text: str) -> Iterator[str]:
    """The text cut after blanks and commas, the separators kept at the end of each piece."""
    start = 0
    for position, character in enumerate(text):
        if character in " ,":
            yield text[start : position + 1]
            start = position + 1
    if start < len(text):
        yield text[start:]

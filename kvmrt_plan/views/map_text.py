# SPDX-License-Identifier: Apache-2.0
"""A map for the terminal: a box per core, a line in it per hardware thread.

┌────────┐
│ 4 A0!2t│   CPU 4 runs vCPU 0 of A; two interrupts may come and tasks may run there,
│20 A~! t│   which is not as the configuration asks
└────────┘
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.map_layout import Metric, lay_out
from kvmrt_plan.views.map_model import Role
from kvmrt_plan.views.map_signs import DEVIATES, counts, legend, load, sign
from kvmrt_plan.views.terminal import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmrt_plan.views.map_layout import Layout, PlacedCell, PlacedCore
    from kvmrt_plan.views.map_model import Cell, HostMap

#: Upper left corner, top and bottom, upper right corner, sides, lower corners.
_UNICODE = ("┌", "─", "┐", "│", "└", "┘")
_ASCII = ("+", "-", "+", "|", "+", "+")
_RESET = "\x1b[0m"
#: SGR of the VMs by turns; each is told from black and white by every common palette. The letter says the
#: same, also where two VMs share a colour.
_OWNERS = ("1;36", "1;33", "1;35", "1;32", "1;34")
_ROLES = {Role.HOUSEKEEPING: "", Role.FREE: "2", Role.OFFLINE: "2", Role.SHARED: "1;37"}
_BORDER, _BOLD, _WRONG = "2", "1", "1;31"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextStyle:
    """How the terminal is written to."""

    width: int = 80
    is_coloured: bool = False
    #: Box characters; False: `+-|`, for terminals that have no others.
    has_unicode: bool = True


def render_map(maps: Sequence[HostMap], style: TextStyle) -> str:
    """One map, or two to compare: side by side where both fit, else one below the other."""
    lines = fold(_head(maps[0]), style.width, indent=4, first=0)
    half = (style.width - 2) // 2
    if len(maps) == 2 and half >= 80:
        columns = [_map_lines(one, half, style) for one in maps]
        for left, right in zip_longest(*columns, fillvalue=("", 0)):
            pad = " " * (half - left[1] + 2)
            lines.append(f"{left[0]}{pad}{right[0]}".rstrip())
    else:
        for one in maps:
            lines += [text for text, _ in _map_lines(one, style.width, style)]
    lines += ["", *_legend_lines(maps, style)]
    return "\n".join(lines) + "\n"


def map_lines(host: HostMap, style: TextStyle) -> list[str]:
    """The boxes with their headings, for a view that has its own head and legend."""
    return [text for text, _ in _boxes(host, style.width, style)]


def _head(host: HostMap) -> str:
    return f"kvmrt map  host {escape_text(host.host)}  facts {escape_text(host.captured)}"


def _map_lines(host: HostMap, width: int, style: TextStyle) -> list[tuple[str, int]]:
    """Lines with how many columns they take."""
    title = f"{host.title.upper()}  {counts(host)}" if host.title else counts(host)
    folded = fold(title, width, indent=4, first=0)
    lines = [(_paint(line, _BOLD, style), len(line)) for line in folded]
    if host.title:
        lines.insert(0, ("", 0))
    return lines + _boxes(host, width, style)


def _boxes(host: HostMap, width: int, style: TextStyle) -> list[tuple[str, int]]:
    numbers = max((len(str(cell.cpus)) for cell in host.cells()), default=1)
    signs = max((len(sign(cell)) for cell in host.cells()), default=1)
    is_folded = any(core.count > 1 for place in host.places for core in place.cores)

    def content(cell: Cell) -> str:
        number, what = str(cell.cpus), sign(cell)
        if not is_folded:
            number, what = number.rjust(numbers), what.ljust(signs)
        return f"{number} {what}{DEVIATES if cell.deviations else ' '}{load(cell)}"

    metric = Metric(
        width=width, heading=1, row=1, padding=1, gap=0, place_gap=0, indent=0,
        cell_width=lambda cell: len(content(cell)),
    )  # fmt: skip
    layout = lay_out(host, metric)
    canvas = _Canvas(layout)
    letters = {owner.letter: number for number, owner in enumerate(host.owners)}
    for place in layout.places:
        canvas.put(place.x, place.y, place.place.heading, _BOLD)
        for core in place.cores:
            _draw_box(canvas, core, _UNICODE if style.has_unicode else _ASCII)
            for cell in core.cells:
                _draw_cell(canvas, cell, content(cell.cell), _sgr(cell.cell, letters))
    return canvas.lines(is_coloured=style.is_coloured)


def _draw_box(canvas: _Canvas, box: PlacedCore, border: Sequence[str]) -> None:
    left, across, right, down, low_left, low_right = border
    middle = across * (box.width - 2)
    canvas.put(box.x, box.y, left + middle + right, _BORDER)
    canvas.put(box.x, box.y + box.height - 1, low_left + middle + low_right, _BORDER)
    for y in range(box.y + 1, box.y + box.height - 1):
        canvas.put(box.x, y, down, _BORDER)
        canvas.put(box.x + box.width - 1, y, down, _BORDER)


def _draw_cell(canvas: _Canvas, placed: PlacedCell, text: str, sgr: str) -> None:
    canvas.put(placed.x, placed.y, text, _WRONG if placed.cell.deviations else sgr)


def _sgr(cell: Cell, letters: dict[str, int]) -> str:
    if cell.role in _ROLES:
        return _ROLES[cell.role]
    return _OWNERS[letters[cell.letters[0]] % len(_OWNERS)]


class _Canvas:
    """Characters with their styles."""

    def __init__(self, layout: Layout) -> None:
        self._rows = [[(" ", "")] * layout.width for _ in range(layout.height)]

    def put(self, x: int, y: int, text: str, sgr: str) -> None:
        """Writes over what is there."""
        row = self._rows[y]
        row.extend([(" ", "")] * (x + len(text) - len(row)))
        row[x : x + len(text)] = [(character, sgr) for character in text]

    def lines(self, *, is_coloured: bool) -> list[tuple[str, int]]:
        """The lines, with how many columns they take."""
        found = []
        for row in self._rows:
            plain = "".join(character for character, _ in row).rstrip()
            text = _coloured(row[: len(plain)]) if is_coloured else plain
            found.append((text, len(plain)))
        return found


def _coloured(row: list[tuple[str, str]]) -> str:
    text, now = "", ""
    for character, sgr in row:
        if sgr != now and (character != " " or now):
            text += (_RESET if now else "") + (f"\x1b[{sgr}m" if sgr else "")
            now = sgr
        text += character
    return text + (_RESET if now else "")


def _paint(text: str, sgr: str, style: TextStyle) -> str:
    return f"\x1b[{sgr}m{text}{_RESET}" if style.is_coloured else text


def _legend_lines(maps: Sequence[HostMap], style: TextStyle) -> list[str]:
    letters = {owner.letter: number for number, owner in enumerate(maps[0].owners)}
    lines = []
    for mark, meaning in legend(maps):
        sgr = _WRONG if mark == DEVIATES else ""
        if mark in letters:
            sgr = _OWNERS[letters[mark] % len(_OWNERS)]
        first, *rest = fold(meaning, style.width, indent=7)
        shown = f"  {mark:<5}{first[7:]}"
        lines.append(shown.replace(mark, _paint(mark, sgr, style), 1) if sgr else shown)
        lines += rest
    return lines

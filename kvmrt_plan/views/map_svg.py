# SPDX-License-Identifier: Apache-2.0
"""A map as SVG: one file without script, fonts or links, the same bytes for the same map.

Light and dark follow the reader's setting. Each cell has a title that browsers show under the pointer and
screen readers read; what colours say, patterns, letters and signs say as well.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.map_layout import Metric, lay_out
from kvmrt_plan.views.map_model import Role
from kvmrt_plan.views.map_palette import AREAS, DARK, LIGHT, PATTERNS, scheme_rules
from kvmrt_plan.views.map_signs import DEVIATES, counts, describe, legend, load, sign
from kvmrt_plan.views.terminal import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.views.map_layout import PlacedCell, PlacedCore
    from kvmrt_plan.views.map_model import Cell, HostMap

_WIDTH, _MARGIN, _LINE = 960, 16, 18
#: Points for a character of 12: no common monospace font is wider.
_CHARACTER = 8
_STRIP, _ROW = 8, 22
#: Characters in a line of text.
_COLUMNS = (_WIDTH - 2 * _MARGIN) // _CHARACTER - 8

_STYLE = (
    "text{font:12px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}"
    ".k-head{font-weight:bold}.k-sign{font-weight:bold}"
    ".k-box{fill:none;stroke-width:1}.k-unlike{fill:none;stroke-width:2}"
)


def render_svg(maps: Sequence[HostMap], *, part: int | None = None) -> str:
    """One map, or two below each other, with a legend.

    Args:
        maps: what to draw.
        part: which of the drawings in an HTML page it is, from 0: without the XML declaration, with
            identifiers of its own, and with the patterns of the first.
    """
    body, y = [], _MARGIN
    width = _WIDTH
    for one in maps:
        lines, y, right = _map(one, y)
        body += lines
        width = max(width, right + _MARGIN)
    lines, y = _legend(maps, y)
    body += lines
    height = y + _MARGIN
    head = '<?xml version="1.0" encoding="UTF-8"?>\n' if part is None else ""
    number = part or ""
    return "\n".join(
        [
            f'{head}<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"',
            f'width="{width}" height="{height}" role="img" aria-labelledby="k-title{number} k-desc{number}">',
            f'<title id="k-title{number}">CPUs of host {_safe(maps[0].host)}</title>',
            f'<desc id="k-desc{number}">{_safe(_description(maps))}</desc>',
            *([] if part else _shared()),
            f'<rect class="k-page" width="{width}" height="{height}"/>',
            *body,
            "</svg>\n",
        ]
    )


def _description(maps: Sequence[HostMap]) -> str:
    parts = [f"{one.title or 'now'}: {counts(one)}" for one in maps]
    owners = ", ".join(f"{owner.letter} is {owner.name}" for owner in maps[0].owners)
    return ". ".join([*parts, *([owners] if owners else [])]) + "."


def _shared() -> Iterator[str]:
    """What one drawing of a page has for all."""
    yield f"<style>{_STYLE}{scheme_rules(LIGHT)}"
    yield f"@media (prefers-color-scheme:dark){{{scheme_rules(DARK)}}}"
    # Paper is white.
    yield f"@media print{{{scheme_rules(LIGHT)}}}</style>"
    yield "<defs>"
    yield from _patterns()
    yield "</defs>"


def _patterns() -> Iterator[str]:
    for number, path in enumerate(PATTERNS):
        stroke = "" if number in AREAS else ' fill="none" stroke-width="2"'
        yield (
            f'<pattern id="k-pattern{number}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<path class="k-p{number}" d="{path}"{stroke}/></pattern>'
        )


def _map(host: HostMap, y: int) -> tuple[list[str], int, int]:
    """One map from that height on; its lower and its right edge."""
    title = f"{host.title.capitalize()}: {counts(host)}" if host.title else counts(host)
    head = f"{escape_text(host.host)}, {escape_text(host.captured)}. {title}"
    found = []
    for line in fold(head, _COLUMNS):
        y += _LINE
        found.append(_text(_MARGIN, y, line, "k-text k-head"))
    numbers = max((len(str(cell.cpus)) for cell in host.cells()), default=1)
    signs = max((len(sign(cell)) for cell in host.cells()), default=1)
    is_folded = any(core.count > 1 for place in host.places for core in place.cores)

    def widths(cell: Cell) -> tuple[int, int]:
        own = len(str(cell.cpus)), len(sign(cell))
        return own if is_folded else (numbers, signs)

    metric = Metric(
        width=_WIDTH - _MARGIN, heading=28, row=_ROW, padding=2, gap=8, place_gap=8,
        indent=_MARGIN,
        # The strip, number, sign, mark and load with a half character between.
        cell_width=lambda cell: _STRIP + _CHARACTER * (sum(widths(cell)) + 5),
    )  # fmt: skip
    layout = lay_out(host, metric)
    top, colours = y + 4, {owner.letter: number for number, owner in enumerate(host.owners)}
    for place in layout.places:
        found.append(_text(_MARGIN, top + place.y + 20, place.place.heading, "k-text"))
        for core in place.cores:
            found.append(_box(core, top))
            for cell in core.cells:
                found += _cell(cell, top, host, colours, number_width=widths(cell.cell)[0])
    right = max((core.x + core.width for one in layout.places for core in one.cores), default=0)
    return found, top + layout.height + 12, right


def _box(core: PlacedCore, top: int) -> str:
    return (
        f'<rect class="k-box k-frame" x="{core.x}" y="{top + core.y}" width="{core.width}" '
        f'height="{core.height}" rx="3"/>'
    )


def _cell(
    placed: PlacedCell, top: int, host: HostMap, colours: dict[str, int], *, number_width: int
) -> Iterator[str]:
    cell, x, y = placed.cell, placed.x, top + placed.y
    area = f'x="{x}" y="{y + 1}" width="{placed.width}" height="{placed.height - 2}"'
    yield "<g>" + f"<title>{_safe(chr(10).join(describe(cell, host)))}</title>"
    yield f'<rect class="{_fill(cell, colours)}" {area}/>'
    if cell.letters and cell.role is not Role.SHARED:
        yield (
            f'<rect fill="url(#k-pattern{_colour(cell, colours)})" x="{x}" y="{y + 1}" '
            f'width="{_STRIP}" height="{placed.height - 2}"/>'
        )
    base, left = y + 15, x + _STRIP + _CHARACTER * number_width + 4
    yield _text(left, base, str(cell.cpus), "k-text", anchor="end")
    yield _text(left + 6, base, sign(cell), "k-text k-sign")
    if cell.deviations:
        yield f'<rect class="k-unlike" {area}/>'
        after_sign = x + placed.width - 2 * _CHARACTER - 4
        yield _text(after_sign, base, DEVIATES, "k-wrong k-sign", anchor="end")
    shown = load(cell)
    if shown.strip():
        # A blank at either end would be dropped, and the mark would move.
        yield _text(x + placed.width - 2 * _CHARACTER - 2, base, shown[0].strip(), "k-text")
        yield _text(x + placed.width - _CHARACTER - 2, base, shown[1].strip(), "k-text")
    yield "</g>"


def _fill(cell: Cell, colours: dict[str, int]) -> str:
    if not cell.is_online:
        return "k-off"
    if cell.letters and cell.role is not Role.SHARED:
        return f"k-vm{_colour(cell, colours)}"
    return "k-plain"


def _colour(cell: Cell, colours: dict[str, int]) -> int:
    return colours[cell.letters[0]] % len(PATTERNS)


def _legend(maps: Sequence[HostMap], y: int) -> tuple[list[str], int]:
    letters = {owner.letter: number for number, owner in enumerate(maps[0].owners)}
    found = []
    for mark, meaning in legend(maps):
        if mark in letters:
            number = letters[mark] % len(PATTERNS)
            area = f'x="{_MARGIN}" y="{y + 4}" width="16" height="14"'
            found.append(f'<rect class="k-vm{number}" {area}/>')
            found.append(f'<rect fill="url(#k-pattern{number})" {area}/>')
        style = "k-wrong k-sign" if mark == DEVIATES else "k-text k-sign"
        found.append(_text(_MARGIN + 24, y + 15, mark, style))
        for line in fold(meaning, _COLUMNS - 10):
            found.append(_text(_MARGIN + 64, y + 15, line, "k-text"))
            y += _LINE
    return found, y


def _text(x: int, y: int, text: str, style: str, *, anchor: str = "") -> str:
    if not text:
        return ""
    end = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{style}" x="{x}" y="{y}"{end}>{escape(text, quote=False)}</text>'


def _safe(text: str) -> str:
    """Escaped for XML; line breaks stay."""
    return "\n".join(escape(escape_text(line), quote=False) for line in text.split("\n"))

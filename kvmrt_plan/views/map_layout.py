# SPDX-License-Identifier: Apache-2.0
"""Where the boxes of a map stand: pure geometry, in characters for text and in points for drawings.

Boxes flow from left to right and break into rows that fit the width. Nothing overlaps: every box lies
below its place's heading and beside its neighbours (tests/property/test_map.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kvmrt_plan.views.map_model import Cell, Core, HostMap, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Sizes, in whichever unit the drawing has."""

    #: Width of the whole drawing. A single box that is wider stands alone and makes it wider.
    width: int
    #: Height of a place's heading, with what keeps it from the boxes.
    heading: int
    #: Height of one hardware thread in a box.
    row: int
    #: Between the border of a box and its cells, at all sides.
    padding: int
    #: Between boxes, and below a place.
    gap: int
    place_gap: int
    #: From the left edge to the first box.
    indent: int
    #: How wide a cell's content is.
    cell_width: Callable[[Cell], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCell:
    """A cell with its rectangle."""

    cell: Cell
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCore:
    """A box with its rectangle and its cells in it."""

    core: Core
    x: int
    y: int
    width: int
    height: int
    cells: tuple[PlacedCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPlace:
    """A heading with its boxes."""

    place: Place
    x: int
    y: int
    cores: tuple[PlacedCore, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All of a map."""

    width: int
    height: int
    places: tuple[PlacedPlace, ...]


def lay_out(host: HostMap, metric: Metric) -> Layout:
    """The rectangles of everything in the map; the origin is its upper left corner."""
    places, y = [], 0
    for place in host.places:
        cores = tuple(_flow(place, metric, y + metric.heading))
        places.append(PlacedPlace(place=place, x=0, y=y, cores=cores))
        bottom = max((one.y + one.height for one in cores), default=y + metric.heading)
        y = bottom + metric.place_gap
    boxes = [core for place in places for core in place.cores]
    right = max((box.x + box.width for box in boxes), default=0)
    return Layout(
        width=max(metric.width, right), height=max(0, y - metric.place_gap), places=tuple(places)
    )


def _flow(place: Place, metric: Metric, top: int) -> Iterator[PlacedCore]:
    """The boxes of one place. Cores that are not folded are equally wide, so that they stand in columns."""
    widths = [max(map(metric.cell_width, core.cells)) for core in place.cores]
    if all(core.count == 1 for core in place.cores):
        widths = [max(widths, default=0)] * len(widths)
    x, y, tallest = metric.indent, top, 0
    for core, content in zip(place.cores, widths, strict=True):
        width = content + 2 * metric.padding
        height = len(core.cells) * metric.row + 2 * metric.padding
        if x > metric.indent and x + width > metric.width:
            x, y, tallest = metric.indent, y + tallest + metric.gap, 0
        yield PlacedCore(
            core=core, x=x, y=y, width=width, height=height,
            cells=tuple(
                PlacedCell(
                    cell=cell, x=x + metric.padding, y=y + metric.padding + number * metric.row,
                    width=content, height=metric.row,
                )
                for number, cell in enumerate(core.cells)
            ),
        )  # fmt: skip
        tallest = max(tallest, height)
        x += width + metric.gap

# SPDX-License-Identifier: Apache-2.0
"""The screen of `kvmrt top`: the map, and what happens each second on the CPUs of VMs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.map_signs import sign
from kvmrt_plan.views.terminal import Painter, Style, fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.views.map_model import HostMap

KEYS = "q ends, r checks the configuration again, space pauses"
_COLUMN = 38
_HEADINGS = f"{'CPU':>4} {'USE':<6}{'IRQ/s':>8}{'SOFT/s':>8}{'SWITCH/s':>9}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Per second and CPU; what is not known is not in the table."""

    interrupts: Mapping[int, float]
    softirqs: Mapping[int, float]
    switches: Mapping[int, float]


def head_lines(host: HostMap, told: tuple[str, str], width: int, painter: Painter) -> list[str]:
    """Whose screen it is, which keys it takes, and what there is to say: a note, and a problem in red."""
    lines = fold(f"kvmrt top  host {escape_text(host.host)}  {KEYS}", width, indent=4, first=0)
    found = [painter.paint(line, Style.HEADING) for line in lines]
    for text, style in zip(told, (Style.QUIET, Style.ERROR), strict=True):
        if text:
            said = fold(escape_text(text), width, indent=4, first=0)
            found += [painter.paint(line, style) for line in said]
    return found


def rate_lines(host: HostMap, rates: Rates, width: int, painter: Painter) -> list[str]:
    """A column per CPU of a VM, as many beside each other as fit; red where it deviates."""
    cells = [cell for cell in host.cells() if cell.letters and cell.is_online]
    if not cells:
        return ["No CPU belongs to a VM."]
    entries = [
        painter.paint(
            f"{cell.cpus.first:>4} {sign(cell):<6}{_rate(rates.interrupts, cell.cpus.first):>8}"
            f"{_rate(rates.softirqs, cell.cpus.first):>8}{_rate(rates.switches, cell.cpus.first):>9}",
            Style.ERROR if cell.deviations else Style.PLAIN,
        )
        for cell in cells
    ]
    across = max(1, min((width + 2) // _COLUMN, len(entries)))
    down = -(-len(entries) // across)
    lines = ["   ".join([_HEADINGS] * across)]
    return lines + ["   ".join(entries[row::down]) for row in range(down)]


def deviation_lines(host: HostMap, width: int, painter: Painter) -> list[str]:
    """Each CPU that is not as the configuration asks, and in what."""
    return [
        painter.paint(line, Style.ERROR)
        for cell in host.cells()
        if cell.deviations
        for line in fold(
            escape_text(f"! CPU {cell.cpus}: {'; '.join(cell.deviations)}"),
            width,
            indent=6,
            first=0,
        )
    ]


def _rate(table: Mapping[int, float], cpu: int) -> str:
    return f"{table[cpu]:.0f}" if cpu in table else "-"

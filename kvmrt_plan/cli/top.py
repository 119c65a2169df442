# SPDX-License-Identifier: Apache-2.0
"""`kvmrt top`: this machine, watched from its housekeeping CPUs.

Each second costs two tables of the kernel, one read per CPU of a VM, and a look at what has changed. The
comparison with the configuration costs a plan: `sight.py` decides when one is made.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.cli.screen import Screen
from kvmrt_plan.cli.sight import Sight
from kvmrt_plan.cli.terminal import wants_colour, width_of
from kvmrt_plan.errors import UsageError
from kvmrt_plan.facts.activity import parse_totals, per_second
from kvmrt_plan.hosts.switches import SwitchCounter
from kvmrt_plan.hosts.tree import read_texts
from kvmrt_plan.values.cpuset import CpuSet, union
from kvmrt_plan.views.map_drawn import TEXT_FOLDS_ABOVE
from kvmrt_plan.views.map_fold import fold_map
from kvmrt_plan.views.map_model import Role
from kvmrt_plan.views.map_text import TextStyle, map_lines
from kvmrt_plan.views.terminal import Painter
from kvmrt_plan.views.top import Rates, deviation_lines, head_lines, rate_lines

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.views.map_model import HostMap

_TABLES = ("/proc/interrupts", "/proc/softirqs")
_FRAME_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Counts at one moment."""

    at: float
    interrupts: dict[int, int]
    softirqs: dict[int, int]
    switches: dict[int, int]


def run(arguments: argparse.Namespace) -> int:
    """Watch until q or Ctrl-C, which is the way to end it and no failure."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "kvmrt top needs a terminal", "use `kvmrt map`, or `kvmrt irqs --rate SECONDS`"
        )
    arguments.host = arguments.root = None
    arguments.vms, arguments.before_after = (), False
    sight, allowed = Sight(arguments), CpuSet(os.sched_getaffinity(0))
    _leave_cpus_of_vms(sight.host, allowed)
    counter = SwitchCounter(_watched(sight.host))
    try:
        with Screen() as screen:
            _watch(screen, sight, counter, allowed)
    except KeyboardInterrupt:
        return 0
    finally:
        counter.close()
    return 0


def _watch(screen: Screen, sight: Sight, counter: SwitchCounter, allowed: CpuSet) -> None:
    before, rates = take_sample(sight.host, counter), Rates(interrupts={}, softirqs={}, switches={})
    is_paused, boxes = False, Boxes()
    due = before.at + _FRAME_SECONDS
    while True:
        note = "paused" if is_paused else _note(counter)
        screen.draw(_frame(sight, rates, note, boxes))
        key = screen.wait(max(0.0, due - time.monotonic()))
        if key == "q":
            return
        is_paused ^= key == " "
        is_over = time.monotonic() >= due
        if key == "r" or (is_over and sight.is_due()):
            sight.renew()
            _leave_cpus_of_vms(sight.host, allowed)
            counter.watch(_watched(sight.host))
        if is_over:
            due = time.monotonic() + _FRAME_SECONDS
            after = take_sample(sight.host, counter)
            if not is_paused:
                rates = _rates(before, after)
            before = after


def _note(counter: SwitchCounter) -> str:
    return f"context switches are not counted: {counter.problem}" if counter.problem else ""


def _watched(host: HostMap) -> CpuSet:
    return union(cell.cpus for cell in host.cells() if cell.letters and cell.is_online)


def quiet_cpus(host: HostMap) -> CpuSet:
    """Where a watcher disturbs nobody: housekeeping CPUs, or, when others have them all, no RT VM's."""
    kept = union(cell.cpus for cell in host.cells() if cell.role is Role.HOUSEKEEPING)
    online = union(cell.cpus for cell in host.cells() if cell.is_online)
    return kept or online - union(owner.owned for owner in host.owners)


def _leave_cpus_of_vms(host: HostMap, allowed: CpuSet) -> None:
    """Confines this process, of the CPUs it was started on, to those where it disturbs nobody."""
    quiet = allowed & quiet_cpus(host)
    if quiet:
        os.sched_setaffinity(0, quiet)


def take_sample(host: HostMap, counter: SwitchCounter) -> Sample:
    """The counts of the CPUs of VMs, now."""
    cpus = _watched(host)
    texts = read_texts("/", _TABLES, keeps_counts=True).files
    return Sample(
        at=time.monotonic(),
        interrupts=parse_totals(texts.get(_TABLES[0], ""), cpus),
        softirqs=parse_totals(texts.get(_TABLES[1], ""), cpus),
        switches=counter.read(),
    )


def _rates(before: Sample, after: Sample) -> Rates:
    seconds = after.at - before.at
    return Rates(
        interrupts=per_second(before.interrupts, after.interrupts, seconds),
        softirqs=per_second(before.softirqs, after.softirqs, seconds),
        switches=per_second(before.switches, after.switches, seconds),
    )


def _frame(sight: Sight, rates: Rates, note: str, boxes: Boxes) -> list[str]:
    host = sight.host
    width, is_coloured = width_of(sys.stdout), wants_colour(sys.stdout)
    painter = Painter(is_coloured=is_coloured)
    style = TextStyle(
        width=width,
        is_coloured=is_coloured,
        has_unicode="utf" in (sys.stdout.encoding or "").lower(),
    )
    return [
        *head_lines(host, (note, sight.problem), width, painter),
        *boxes.lines(host, style),
        "",
        *rate_lines(host, rates, width, painter),
        *deviation_lines(host, width, painter),
    ]


class Boxes:
    """The lines of the map, drawn anew after a new look at the host and when the terminal is resized."""

    def __init__(self) -> None:
        self._drawn: tuple[HostMap, TextStyle] | None = None
        self._lines: list[str] = []

    def lines(self, host: HostMap, style: TextStyle) -> list[str]:
        """The lines, those of before when nothing has changed."""
        if self._drawn is None or self._drawn[0] is not host or self._drawn[1] != style:
            is_large = sum(len(cell.cpus) for cell in host.cells()) > TEXT_FOLDS_ABOVE
            self._lines = map_lines(fold_map(host) if is_large else host, style)
            self._drawn = host, style
        return self._lines

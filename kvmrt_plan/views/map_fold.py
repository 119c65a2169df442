# SPDX-License-Identifier: Apache-2.0
"""Folds a large map: neighbouring cores that look alike become one box that says which they are.

Cores look alike when their threads have the same owner, role, state and kind of load; numbers of vCPUs and
of interrupts may differ and become ranges and sums. No CPU is left out.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from kvmrt_plan.values.cpuset import CpuSet, union
from kvmrt_plan.views.map_model import Cell, Core, HostMap, Place


def fold_map(host: HostMap) -> HostMap:
    """The map with every run of cores that look alike as one core."""
    return replace(host, places=tuple(map(_fold_place, host.places)))


def _fold_place(place: Place) -> Place:
    runs = (tuple(run) for _, run in groupby(place.cores, key=_look))
    return replace(place, cores=tuple(map(_merge, runs)))


def _look(core: Core) -> tuple[object, ...]:
    return tuple(
        (cell.role, cell.letters, cell.is_online, bool(cell.irqs), cell.has_tasks,
         bool(cell.deviations))
        for cell in core.cells
    )  # fmt: skip


def _merge(run: tuple[Core, ...]) -> Core:
    if len(run) == 1:
        return run[0]
    columns = zip(*(core.cells for core in run), strict=True)
    return Core(cells=tuple(map(_merge_cells, columns)), count=sum(core.count for core in run))


def _merge_cells(cells: tuple[Cell, ...]) -> Cell:
    return replace(
        cells[0],
        cpus=union(cell.cpus for cell in cells),
        vcpus=str(union(CpuSet.parse(cell.vcpus) for cell in cells)),
        irqs=union(cell.irqs for cell in cells),
        deviations=tuple(dict.fromkeys(words for cell in cells for words in cell.deviations)),
    )

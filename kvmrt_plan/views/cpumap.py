# SPDX-License-Identifier: Apache-2.0
"""One map of all CPUs: a column per core, a row per hardware thread, a letter per VM.

node 0, socket 0
  CPU    0   1   2   3
         .  A*   A   A
  CPU    4   5   6   7
         .  A-  A-  A-
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from kvmrt_plan.placement.cores import cores_of
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.terminal import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.facts.cpu import CpuTopology
    from kvmrt_plan.placement.model import Placement, VmPlacement
    from kvmrt_plan.values.cpuset import CpuSet

HOUSEKEEPING, FREE, OFFLINE, SHARED = ".", "_", "x", "+"

_WIDTH = 80
_LABEL = "    CPU "


def cpu_map(placement: Placement, topology: CpuTopology) -> list[str]:
    """The map with its legend, as lines of at most 80 columns."""
    cells = cpu_cells(placement, topology)
    columns = max((len(str(text)) for pair in cells.items() for text in pair), default=1) + 1
    lines = []
    for heading, cores in _groups(topology):
        lines.append(f"  {heading}")
        lines.extend(_grid(cores, cells, columns))
    return [*lines, "", *_legend(placement, set(cells.values()))]


def cpu_cells(placement: Placement, topology: CpuTopology) -> dict[int, str]:
    """What stands for each CPU that is present: a VM's letter with its role, or a sign."""
    claims: dict[int, list[str]] = {}
    for letter, one in lettered(placement):
        for cpu in one.owned:
            claims.setdefault(cpu, []).append(letter + _role(one, cpu))
    return {cpu: _cell(cpu, claims.get(cpu, []), placement, topology) for cpu in topology.present}


def lettered(placement: Placement) -> Iterator[tuple[str, VmPlacement]]:
    """The VMs that have CPUs of their own, with letters: A to Z, then AA, AB and so on."""
    bound = (one for one in placement.vms if one.owned)
    for number, one in enumerate(bound):
        yield _letter(number), one


def _letter(number: int) -> str:
    high, low = divmod(number, 26)
    return (_letter(high - 1) if high else "") + chr(ord("A") + low)


def _role(one: VmPlacement, cpu: int) -> str:
    if cpu in one.offlined:
        return "-"
    return "*" if cpu in one.emulator else ""


def _cell(cpu: int, claims: list[str], placement: Placement, topology: CpuTopology) -> str:
    if claims:
        return claims[0] if len(claims) == 1 else SHARED
    if cpu not in topology.online:
        return OFFLINE
    return HOUSEKEEPING if cpu in placement.housekeeping else FREE


def _groups(topology: CpuTopology) -> Iterator[tuple[str, list[CpuSet]]]:
    """Cores by node and socket, each in the order of its lowest CPU; unknown places come last."""
    places: dict[tuple[float, float], list[CpuSet]] = {}
    for core in dict.fromkeys(cores_of(topology).values()):
        present = core & topology.present
        if present:
            places.setdefault(_place(present, topology), []).append(present)
    unknown = float("inf")
    for node, socket in sorted(places):
        words = [f"node {node:g}"] if node != unknown else []
        words += [f"socket {socket:g}"] if socket != unknown else []
        heading = ", ".join(words) or "place not known"
        yield heading, sorted(places[node, socket], key=lambda core: core.first)


def _place(core: CpuSet, topology: CpuTopology) -> tuple[float, float]:
    """Node and socket of the core, by whichever of its CPUs tells them; an offline one does not."""
    cpus = [topology.cpus[cpu] for cpu in core if cpu in topology.cpus]
    nodes = [cpu.node for cpu in cpus if cpu.node is not None]
    sockets = [cpu.socket for cpu in cpus if cpu.socket is not None]
    unknown = float("inf")
    return min(nodes, default=unknown), min(sockets, default=unknown)


def _grid(cores: Sequence[CpuSet], cells: dict[int, str], columns: int) -> Iterator[str]:
    """Cores side by side, as many as fit; below each other their hardware threads."""
    fitting = (_WIDTH - len(_LABEL)) // columns
    for start in range(0, len(cores), fitting):
        for row in zip_longest(*map(tuple, cores[start : start + fitting])):
            numbers = "".join(("" if cpu is None else str(cpu)).rjust(columns) for cpu in row)
            signs = "".join(("" if cpu is None else cells[cpu]).rjust(columns) for cpu in row)
            yield (_LABEL + numbers).rstrip()
            yield (" " * len(_LABEL) + signs).rstrip()


def _legend(placement: Placement, used: set[str]) -> Iterator[str]:
    for letter, one in lettered(placement):
        kind = "" if not one.vm.rt else " (RT)" if one.holds_policies else " (RT, not running)"
        yield from fold(f"{letter:<2}  {escape_text(one.vm.name)}{kind}", _WIDTH, indent=8, first=4)
    marks = (
        ("*", "emulator, else vCPUs", any(cell.endswith("*") for cell in used)),
        ("-", "sibling of an RT VM, offline", any(cell.endswith("-") for cell in used)),
        (SHARED, "CPU of several VMs", SHARED in used),
        (HOUSEKEEPING, "housekeeping", HOUSEKEEPING in used),
        (FREE, "neither housekeeping nor of a VM", FREE in used),
        (OFFLINE, "offline", OFFLINE in used),
    )
    yield from (f"    {sign:<2}  {meaning}" for sign, meaning, is_there in marks if is_there)

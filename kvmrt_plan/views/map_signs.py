# SPDX-License-Identifier: Apache-2.0
"""The signs and words of a map: the same in text, SVG and HTML, and complete without any colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.map_model import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kvmrt_plan.views.map_model import Cell, HostMap

DEVIATES = "!"
#: More interrupts than one digit can count.
MANY = "#"
TASKS = "t"

_PLAIN = {Role.SHARED: "+", Role.HOUSEKEEPING: ".", Role.FREE: "_", Role.OFFLINE: "x"}


def sign(cell: Cell) -> str:
    """Whose it is and what it does: `Ae`, `A0`, `A-`, `.`."""
    if cell.role in _PLAIN:
        return _PLAIN[cell.role]
    letter = cell.letters[0]
    if cell.role is Role.SIBLING:
        return letter + ("~" if cell.is_online else "-")
    what = {Role.EMULATOR: "e", Role.VCPU: cell.vcpus, Role.SEVERAL: "*"}[cell.role]
    return letter + what + ("" if cell.is_online else "x")


def load(cell: Cell) -> str:
    """Two columns: how many interrupts may come, and whether tasks of the host may run there."""
    count = len(cell.irqs)
    return (MANY if count > 9 else str(count or " ")) + (TASKS if cell.has_tasks else " ")


def describe(cell: Cell, host: HostMap) -> Iterator[str]:
    """All about a cell in words, for hover texts: what it is, what comes here, what is wrong."""
    names = [owner.name for owner in host.owners if owner.letter in cell.letters]
    plural = "s" * (len(cell.cpus) > 1)
    yield f"CPU{plural} {cell.cpus}: {_words(cell, names)}"
    if not cell.is_online and cell.role is not Role.OFFLINE:
        yield "offline"
    if cell.irqs:
        yield f"interrupts: {cell.irqs}"
    if cell.has_tasks is not None and cell.is_online:
        yield "tasks of the host may run here" if cell.has_tasks else "closed to tasks of the host"
    yield from (f"differs: {words}" for words in cell.deviations)


def _words(cell: Cell, names: list[str]) -> str:
    if cell.role in (Role.HOUSEKEEPING, Role.OFFLINE, Role.FREE):
        return str(cell.role)
    whose = ", ".join(names)
    if cell.role is Role.SHARED:
        return f"of several VMs: {whose}"
    what = {
        Role.EMULATOR: "emulator",
        Role.VCPU: f"vCPU {cell.vcpus}",
        Role.SEVERAL: "several threads" + (f", vCPU {cell.vcpus}" if cell.vcpus else ""),
        Role.SIBLING: "sibling, kept free",
    }[cell.role]
    return f"{whose}, {what}"


def legend(maps: Iterable[HostMap]) -> list[tuple[str, str]]:
    """Signs that occur in the maps, with what they mean; VMs first. Names are escaped."""
    found = list(maps)
    cells = [cell for one in found for cell in one.cells()]
    owners = {owner.letter: owner for one in found for owner in one.owners}
    rows = [
        (owner.letter, f"{escape_text(owner.name)} ({owner.state})") for owner in owners.values()
    ]
    roles = {cell.role for cell in cells}
    siblings = {cell.is_online for cell in cells if cell.role is Role.SIBLING}
    rows += [
        (mark, meaning)
        for mark, meaning, is_there in (
            ("e", "emulator and other threads of QEMU", Role.EMULATOR in roles),
            ("0", "vCPU of that number", Role.VCPU in roles),
            ("*", "several threads of one VM", Role.SEVERAL in roles),
            ("-", "of an RT VM's core, not used, offline", False in siblings),
            ("~", "of an RT VM's core, not used, online", True in siblings),
            ("+", "CPU of several VMs", Role.SHARED in roles),
            (".", "housekeeping", Role.HOUSEKEEPING in roles),
            ("_", "neither housekeeping nor of a VM", Role.FREE in roles),
            ("x", "offline", any(sign(cell).endswith("x") for cell in cells)),
            ("1-9", "interrupts that may come here; # for more", any(cell.irqs for cell in cells)),
            (TASKS, "tasks of the host may run here", any(cell.has_tasks for cell in cells)),
            (DEVIATES, "not as the configuration asks", any(cell.deviations for cell in cells)),
        )
        if is_there
    ]
    return rows


def counts(host: HostMap) -> str:
    """`32 CPUs: 20 housekeeping, 8 of VMs, 4 offline; 3 not as the configuration asks`."""
    cells = list(host.cells())
    total = sum(len(cell.cpus) for cell in cells)
    groups = (
        ("housekeeping", lambda cell: cell.role is Role.HOUSEKEEPING),
        ("of VMs", lambda cell: bool(cell.letters) and cell.is_online),
        ("free", lambda cell: cell.role is Role.FREE),
        ("offline", lambda cell: not cell.is_online),
    )
    parts = [
        f"{number} {word}"
        for word, belongs in groups
        if (number := sum(len(cell.cpus) for cell in cells if belongs(cell)))
    ]
    text = f"{total} CPU{'s' * (total != 1)}: {', '.join(parts)}" if parts else "no CPUs"
    unlike = sum(len(cell.cpus) for cell in cells if cell.deviations)
    return text + (f"; {unlike} not as the configuration asks" if unlike else "")

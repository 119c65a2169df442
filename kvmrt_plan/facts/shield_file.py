# SPDX-License-Identifier: Apache-2.0
"""RedHawk's /etc/sysconfig/shield: interrupts that its shield service assigns to CPUs.

A shell fragment; each entry is a CPU list, a colon, and an interface or an interrupt's number:

    IRQ_ASSIGN+="0-4:enp4s0f0;"
    IRQ_ASSIGN+="0,2:55; 0,2:60, 0,2:61;"

The line that ends in `# kvmrt` is kvmrt's own, all others stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIELD_FILE = "/etc/sysconfig/shield"
#: Behind a file whose last line had no end: the line break is kvmrt's, too.
_BEHIND_OPEN_LINE = ", behind a line without an end"
_OWN = re.compile(rf'(\n?)IRQ_ASSIGN\+="([^"\n]*)"  # kvmrt({_BEHIND_OPEN_LINE})?\n')
_LINE = re.compile(r'^[ \t]*IRQ_ASSIGN\+?="([^"\n]*)"', re.MULTILINE)
_ENTRY = re.compile(r"([0-9][0-9,-]*):([A-Za-z0-9][A-Za-z0-9_.-]*)")
ASSIGNMENTS = re.compile(
    r"[0-9][0-9,-]*:[A-Za-z0-9][A-Za-z0-9_.-]*(?:; [0-9][0-9,-]*:[A-Za-z0-9][\w.-]*)*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShieldFile:
    """What the file assigns."""

    #: kvmrt's entries as one text, `0-4:enp4s0f0; 0,2:55`; "" when there are none.
    own: str = ""
    #: The entries of others: interface or number, and its CPUs.
    foreign: tuple[tuple[str, CpuSet], ...] = ()


def parse_shield_file(text: str | None) -> ShieldFile:
    """The file of that text; None: there is none."""
    found = _OWN.search(text or "")
    rest = _OWN.sub("\n", text or "")
    return ShieldFile(own=found[2].removesuffix(";") if found else "", foreign=tuple(entries(rest)))


def entries(text: str) -> Iterator[tuple[str, CpuSet]]:
    """Every assignment of the file, in its order; what is no list of CPUs is passed over."""
    for line in _LINE.findall(text):
        for cpus, name in _ENTRY.findall(line):
            try:
                yield name, CpuSet.parse(cpus.strip(","))
            except CpuListError:
                continue


def shield_text(text: str | None, own: str) -> str | None:
    """The file with these entries of kvmrt's; None: there is to be none."""
    kept = text or ""
    found = _OWN.search(kept)
    if found is not None:
        is_open = found[3] is not None
        before = kept[: found.start()] + ("" if is_open else found[1])
        if own:
            return before + _own_line(own, is_open=is_open) + kept[found.end() :]
        return before + kept[found.end() :] or None
    if not own:
        return text
    return kept + _own_line(own, is_open=bool(kept) and not kept.endswith("\n"))


def _own_line(own: str, *, is_open: bool) -> str:
    line = f'IRQ_ASSIGN+="{own};"  # kvmrt'
    return f"\n{line}{_BEHIND_OPEN_LINE}\n" if is_open else f"{line}\n"

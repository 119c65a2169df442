# SPDX-License-Identifier: Apache-2.0
"""/proc/interrupts by CPU, read without kvmrt's own parser, and which interrupts nobody can move.

A row is `24: 0 12 PCI-MSI 49152-edge nvme0q0` or `LOC: 40110 3021 Local timer interrupts`, with a number for
each CPU that the first line names (`CPU0 CPU2`: those that are online).
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

INTERRUPTS = Path("/proc/interrupts")
#: Sent by another CPU: to look for a task, call a function, flush the TLB, and for irq_work.
_SENT = frozenset({"RES", "CAL", "TLB", "IWI"})
_TICK = "LOC"


@dataclass(frozen=True, slots=True)
class Line:
    """An interrupt: its label (a number, or a word of the architecture), its name, and whose count it is."""

    label: str
    name: str
    cpu: int

    @property
    def kind(self) -> str:
        """`device`, `tick`, `ipi`, or `other` (NMI, machine checks and the like)."""
        if self.label.isdigit():
            # The timer of the platform, which only exists until the local ones run.
            return "other" if self.name.endswith(" timer") else "device"
        if self.label == _TICK:
            return "tick"
        return "ipi" if self.label in _SENT else "other"


def read_interrupts() -> Counter[Line]:
    """Counts of now."""
    return parse_interrupts(INTERRUPTS.read_text())


def parse_interrupts(text: str) -> Counter[Line]:
    """Counts by line and CPU; rows without a column for each CPU (ERR, MIS) are left out."""
    head, *rows = text.splitlines()
    cpus = [int(word.removeprefix("CPU")) for word in head.split()]
    counts: Counter[Line] = Counter()
    for row in rows:
        label, _, rest = row.partition(":")
        words = rest.split(None, len(cpus))
        numbers = words[: len(cpus)]
        if len(numbers) == len(cpus) and all(word.isdigit() for word in numbers):
            name = " ".join(words[len(cpus) :])
            for cpu, number in zip(cpus, numbers, strict=True):
                counts[Line(label.strip(), " ".join(name.split()), cpu)] = int(number)
    return counts


def immovable(folder: Path = Path("/proc/irq")) -> frozenset[str]:
    """Numbers of interrupts that refuse their own affinity with EIO, or EPERM since Linux 6.12: managed ones
    (Documentation/core-api/irq/irq-affinity.rst), and the platform's timer.
    """
    found = set()
    for entry in os.listdir(folder):
        path = folder / entry / "smp_affinity"
        if entry.isdigit() and path.exists():
            try:
                path.write_text(path.read_text())
            except OSError as error:
                if error.errno not in (errno.EIO, errno.EPERM):
                    raise
                found.add(entry)
    return frozenset(found)

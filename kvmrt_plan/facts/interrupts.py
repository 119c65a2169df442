# SPDX-License-Identifier: Apache-2.0
"""Rows of /proc/interrupts: which interrupts exist, who handles them, through which controller.

Written by show_interrupts() in kernel/irq/proc.c. The first line names a column per online CPU,
every row has one count under each, and then chip, hardware number, trigger and actions. Counts are
of no use to a plan and are not looked at; capture leaves them out: its first line names no CPU.
"""

from __future__ import annotations

import re

from kvmrt_plan.facts.interrupt_counts import after_counts
from kvmrt_plan.values.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: `IO-APIC   9-fasteoi   acpi`, `GICv3  27 Level     arch_timer`, and of kernels before 4.0
#: `IO-APIC-edge      timer`: chip, hardware number, trigger, flow handler, actions.
_TAIL = re.compile(
    r"(?P<chip>\S+)"
    r"(?:\s+(?:0x[0-9a-fA-F]+|\d+)(?:-\S*)?(?=\s|$))?"
    r"(?:\s+(?:Level|Edge)(?:-\S*)?(?=\s|$))?"
    r"\s*(?P<actions>.*)",
    re.DOTALL,
)


class InterruptRow(Record):
    """One numbered row."""

    chip: str
    actions: tuple[str, ...]


def parse_interrupts(text: str) -> dict[int, InterruptRow]:
    r"""The numbered rows by number; named ones (`NMI`, `LOC`, s390's `EXT`) are no device's.

    >>> parse_interrupts("     CPU0  CPU1\n 24:  5  0  PCI-MSI 81920-edge  ahci, eth0\n")[24]
    InterruptRow(chip='PCI-MSI', actions=('ahci', 'eth0'))
    """
    header, _, body = text.partition("\n")
    columns = len(header.split())
    return dict(_rows(body, columns))


def _rows(body: str, columns: int) -> Iterator[tuple[int, InterruptRow]]:
    for line in body.split("\n"):
        label, colon, rest = line.partition(":")
        label = label.strip()
        if colon and label.isascii() and label.isdigit() and len(label) < 10:
            yield int(label), _parse_tail(after_counts(rest, columns))


def _parse_tail(tail: str) -> InterruptRow:
    matched = _TAIL.match(tail.strip())
    if matched is None:
        return InterruptRow(chip="", actions=())
    return InterruptRow(chip=matched["chip"], actions=split_actions(matched["actions"]))


def split_actions(text: str) -> tuple[str, ...]:
    """Names that share an interrupt: `virtio3, uhci_hcd:usb1`."""
    names = (name.strip() for name in text.split(","))
    return tuple(name for name in names if name)

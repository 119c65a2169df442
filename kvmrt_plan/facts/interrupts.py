# SPDX-License-Identifier: Apache-2.0
"""Rows of /proc/interrupts: which interrupts exist, who handles them, through which controller.

Written by show_interrupts() in kernel/irq/proc.c. The first line names a column per online CPU,
every row has one count under each, and then chip, hardware number, trigger and actions. Counts are
of no use to a plan and are not looked at; capture leaves them out: its first line names no CPU.
"""

from __future__ import annotations

from kvmrt_plan.facts.interrupt_counts import after_counts
from kvmrt_plan.values.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


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
    """`IO-APIC   9-fasteoi   acpi`, `GICv3  27 Level     arch_timer`, and of kernels before 4.0
    `IO-APIC-edge      timer`: chip, hardware number, trigger, flow handler, actions.
    """
    # Not by re, which takes 10 ms to load.
    chip, rest = _first_word(tail)
    word, after = _first_word(rest)
    if _is_hardware_number(word.partition("-")[0]):
        word, rest = _first_word(after)[0], after
    if word.partition("-")[0] in ("Level", "Edge"):
        rest = _first_word(rest)[1]
    return InterruptRow(chip=chip, actions=split_actions(rest))


def _first_word(text: str) -> tuple[str, str]:
    words = text.split(None, 1)
    return (words[0] if words else ""), (words[1] if len(words) > 1 else "")


def _is_hardware_number(word: str) -> bool:
    if word.startswith("0x"):
        return len(word) > 2 and not word[2:].strip("0123456789abcdefABCDEF")
    return word.isascii() and word.isdigit()


def split_actions(text: str) -> tuple[str, ...]:
    """Names that share an interrupt: `virtio3, uhci_hcd:usb1`."""
    names = (name.strip() for name in text.split(","))
    return tuple(name for name in names if name)

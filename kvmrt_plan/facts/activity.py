# SPDX-License-Identifier: Apache-2.0
"""How much happened on single CPUs: sums over the columns of /proc/interrupts and /proc/softirqs.

`interrupt_counts.py` reads every number of the table. A view that looks each second at a few CPUs of many
cannot afford that: of 64 columns and 300 rows only the columns that are asked for become numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Counts are unsigned int in the kernel. A sum modulo this is right for any difference below it.
_WRAP = 1 << 32


def parse_totals(text: str, cpus: Iterable[int]) -> dict[int, int]:
    r"""The sum of each CPU's column, modulo 2^32; a CPU without a column is left out.

    >>> parse_totals("     CPU0  CPU2\n 24:  5  7  PCI-MSI ahci\nLOC:  1  2  timer\nERR:  9\n", (2, 3))
    {2: 9}
    """
    header, _, body = text.partition("\n")
    columns = {name: number for number, name in enumerate(header.split(), start=1)}
    wanted = {cpu: columns[f"CPU{cpu}"] for cpu in cpus if f"CPU{cpu}" in columns}
    totals = dict.fromkeys(wanted, 0)
    width = len(columns)
    for line in body.split("\n"):
        words = line.split(None, width + 1)
        # Rows such as ERR have one number under no column.
        if len(words) > width and words[width].isdigit():
            for cpu, column in wanted.items():
                totals[cpu] += int(words[column])
    return {cpu: total % _WRAP for cpu, total in totals.items()}


def per_second(
    before: Mapping[int, int], after: Mapping[int, int], seconds: float
) -> dict[int, float]:
    """The rate of each CPU that both have; nothing when no time has passed."""
    if seconds <= 0:
        return {}
    return {
        cpu: (total - before[cpu]) % _WRAP / seconds
        for cpu, total in after.items()
        if cpu in before
    }

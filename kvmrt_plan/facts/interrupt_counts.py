# SPDX-License-Identifier: Apache-2.0
"""The per-CPU columns of /proc/interrupts.

Written by show_interrupts() in kernel/irq/proc.c: the first line names a column per online CPU, every row
has one count under each. Rows such as ERR have one number under no column. Counts are unsigned int and
begin again at 0 after 2^32 - 1.
"""

from __future__ import annotations

from kvmrt_plan.values.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WRAP = 1 << 32


class InterruptCounts(Record):
    """How often each row's interrupt came, by CPU."""

    #: The columns, ascending.
    cpus: tuple[int, ...]
    #: Counts in the order of the columns, by label (`45`, `LOC`); rows without columns are left out.
    rows: Mapping[str, tuple[int, ...]]
    #: What stands behind the counts of rows that have no number (`Local timer interrupts`), by label.
    names: Mapping[str, str]


NO_COUNTS = InterruptCounts(cpus=(), rows={}, names={})


def parse_counts(text: str) -> InterruptCounts:
    r"""The counts; none where the table has been stored without them.

    >>> parse_counts("     CPU0  CPU2\n 24:  5  0  PCI-MSI 81920-edge  ahci\n").rows
    {'24': (5, 0)}
    """
    header, _, body = text.partition("\n")
    columns = header.split()
    if not columns or not all(_is_cpu(column) for column in columns):
        return NO_COUNTS
    rows, names = {}, {}
    for label, words in _split_rows(body, len(columns)):
        counts = words[: len(columns)]
        if len(counts) == len(columns) and all(_is_number(word) for word in counts):
            rows[label] = tuple(map(int, counts))
            if not _is_number(label):
                names[label] = words[len(columns)].strip() if len(words) > len(columns) else ""
    return InterruptCounts(cpus=tuple(int(one[3:]) for one in columns), rows=rows, names=names)


def rates(
    before: InterruptCounts, after: InterruptCounts, seconds: float
) -> dict[str, tuple[float, ...]]:
    """Interrupts per second by label, for rows that both have; empty when a CPU came or went."""
    if before.cpus != after.cpus:
        return {}
    return {
        label: tuple(
            (new - old) % _WRAP / seconds
            for old, new in zip(before.rows[label], counts, strict=True)
        )
        for label, counts in after.rows.items()
        if label in before.rows
    }


def after_counts(rest: str, columns: int) -> str:
    """What follows the counts of a row."""
    if not columns:
        return rest
    words = rest.split(None, columns)
    return words[columns] if len(words) > columns else ""


def drop_counts(text: str) -> str:
    """The same table without its per-CPU columns: the first line is empty, each row keeps its tail.

    Of 1,024 CPUs and 4,096 interrupts this leaves 0.3 of 46 MB, and two snapshots of a host that
    did not change are equal.
    """
    header, _, body = text.partition("\n")
    columns = len(header.split())
    return "\n" + "\n".join(_row_without_counts(line, columns) for line in body.split("\n"))


def _row_without_counts(line: str, columns: int) -> str:
    label, colon, rest = line.partition(":")
    if not colon:
        return line
    # Rows such as ERR have one number under no column: the tail is what is left.
    return f"{label}: {after_counts(rest, columns).strip()}".rstrip()


def _split_rows(body: str, columns: int) -> Iterator[tuple[str, list[str]]]:
    for line in body.split("\n"):
        label, colon, rest = line.partition(":")
        if colon:
            yield label.strip(), rest.split(None, columns)


def _is_cpu(column: str) -> bool:
    return column.startswith("CPU") and _is_number(column[3:])


def _is_number(word: str) -> bool:
    # No count has more digits; Python itself refuses to convert 4,300.
    return word.isascii() and word.isdigit() and len(word) <= 20

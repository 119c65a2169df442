# SPDX-License-Identifier: Apache-2.0
"""Which code reads and writes a step: one way for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmrt_plan.apply.cpusets import CPUSET_KINDS, is_half_done, read_cpuset, write_cpuset
from kvmrt_plan.apply.documents import read_installed, write_installed
from kvmrt_plan.apply.domain import read_definition, read_domain, write_definition, write_domain
from kvmrt_plan.apply.evacuation import evacuate, is_between
from kvmrt_plan.apply.guest_side import read_guest, write_guest
from kvmrt_plan.apply.guests import read_state, write_state
from kvmrt_plan.apply.hugepages import is_partial, read_pool, write_pool
from kvmrt_plan.apply.irqbalance import read_ban, write_ban
from kvmrt_plan.apply.kernel_args import read_boot, write_boot
from kvmrt_plan.apply.kernel_files import exchange_file, read_file, write_file
from kvmrt_plan.apply.memory_nodes import read_nodes, write_nodes
from kvmrt_plan.apply.owned_lines import read_lines, write_lines
from kvmrt_plan.apply.partitions import PARTITION_KINDS
from kvmrt_plan.apply.slices import read_slice, write_slice
from kvmrt_plan.apply.threads import THREAD_KINDS, read_thread, write_thread
from kvmrt_plan.changes.change import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host

#: Kinds that are one file of the kernel's.
_FILES = frozenset(
    {
        Kind.IRQ_AFFINITY,
        Kind.IRQ_DEFAULT_AFFINITY,
        Kind.NET_QUEUE,
        Kind.WORKQUEUE_CPUMASK,
        Kind.CPU_ONLINE,
        Kind.SYSCTL,
        Kind.CPU_POWER,
    }
)


class _Way(NamedTuple):
    """How steps of a kind are read and written."""

    read: Callable[[Host, Step], str | None]
    write: Callable[[Host, Step], None]


def _ways(way: _Way, *kinds: Kind) -> dict[Kind, _Way]:
    return dict.fromkeys(kinds, way)


_WAYS = {
    **_ways(_Way(read_file, write_file), *_FILES),
    **_ways(_Way(read_file, evacuate), Kind.CPU_EVACUATION),
    **_ways(_Way(read_pool, write_pool), Kind.HUGEPAGES),
    **_ways(_Way(read_ban, write_ban), Kind.IRQBALANCE_BAN, Kind.IRQBALANCE_FILE),
    **_ways(_Way(read_slice, write_slice), *PARTITION_KINDS, Kind.SLICE_CPUS, Kind.SHIELD),
    **_ways(_Way(read_nodes, write_nodes), Kind.SLICE_MEMORY),
    **_ways(_Way(read_cpuset, write_cpuset), *CPUSET_KINDS),
    **_ways(
        _Way(read_domain, write_domain),
        Kind.DOMAIN_RENAME,
        Kind.DOMAIN_AUTOSTART,
        Kind.DOMAIN_LIVE_PIN,
        Kind.DOMAIN_XML,
    ),
    **_ways(_Way(read_thread, write_thread), *THREAD_KINDS),
    **_ways(_Way(read_state, write_state), Kind.DOMAIN_STATE),
    **_ways(_Way(read_lines, write_lines), Kind.MODULE_OPTIONS, Kind.SHIELD_ASSIGNMENTS),
    **_ways(_Way(read_boot, write_boot), Kind.BOOT_ARGUMENTS),
    **_ways(_Way(read_installed, write_installed), Kind.FILE, Kind.SERVICE),
    **_ways(_Way(read_guest, write_guest), Kind.GUEST_FILE, Kind.GUEST_SETTING),
}


def write_units(batch: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """The steps of a batch that are one write: all elements of a domain, or each step by itself."""
    if batch[0].kind is Kind.DOMAIN_XML:
        yield batch
    else:
        for step in batch:
            yield (step,)


def read_unit(host: Host, unit: Sequence[Step]) -> list[str | None]:
    """Present values of the steps of one write.

    Raises:
        WriteRefusedError: a value cannot be read.
    """
    if unit[0].kind is Kind.DOMAIN_XML:
        return read_definition(host, unit)
    return [_WAYS[step.kind].read(host, step) for step in unit]


def write_unit(host: Host, unit: Sequence[Step]) -> None:
    """One write.

    Raises:
        WriteRefusedError: it was refused.
    """
    if unit[0].kind is Kind.DOMAIN_XML:
        write_definition(host, unit)
        return
    for step in unit:
        _WAYS[step.kind].write(host, step)


def is_unfinished(step: Step, now: str | None) -> bool:
    """Whether the value is what a write of this step has left that was not done in full."""
    return is_partial(step, now) or is_half_done(step, now) or is_between(step, now)


def exchange_unit(
    host: Host, unit: Sequence[Step], is_wanted: Callable[[list[str | None]], bool]
) -> tuple[list[str | None], bool]:
    """Read; if `is_wanted` says so, write and read again: with as little in between as can be.

    Returns:
        The values that were read last, and whether anything was written.

    Raises:
        WriteRefusedError: reading or writing was refused.
    """
    if unit[0].kind in _FILES:
        return exchange_file(host, unit[0], is_wanted)
    present = read_unit(host, unit)
    if not is_wanted(present):
        return present, False
    write_unit(host, unit)
    return read_unit(host, unit), True

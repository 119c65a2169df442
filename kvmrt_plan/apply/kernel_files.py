# SPDX-License-Identifier: Apache-2.0
"""Values behind one file of the kernel's: interrupts, unbound work, CPUs.

The plan speaks in cpulists; `/proc/irq/default_smp_affinity` and the workqueue masks take hexadecimal
masks, `cpuN/online` takes 0 and 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import path_of
from kvmrt_plan.changes.change import HOTPLUG, Kind
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.knobs import chosen_word
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host

#: By a name of its own: looking up a member of an enumeration costs 0.1 us, a step has 3 to spare.
_IRQ_AFFINITY = Kind.IRQ_AFFINITY
_MASKS = frozenset({Kind.IRQ_DEFAULT_AFFINITY, Kind.WORKQUEUE_CPUMASK, Kind.NET_QUEUE})
#: Values that are written as they stand in the plan.
_WORDS = frozenset({Kind.SYSCTL, Kind.CPU_POWER})
_ONLINE = {"online": "1", "offline": "0"}
_IS_ONLINE = {"1": "online", "0": "offline"}


def read_file(host: Host, step: Step) -> str | None:
    """The present value in the plan's notation; None when the file is gone.

    Raises:
        WriteRefusedError: it cannot be read, or does not hold what the kernel prints there.
    """
    path = path_of(step.kind, step.address)
    return _value(step, path, host.read(path))


def write_file(host: Host, step: Step) -> None:
    """Write the new value.

    Raises:
        WriteRefusedError: the kernel refuses, or the value is none that can be written.
    """
    path = path_of(step.kind, step.address)
    host.write(path, _text(step, path))


def exchange_file(
    host: Host, step: Step, is_wanted: Callable[[list[str | None]], bool]
) -> tuple[list[str | None], bool]:
    """Read; if the value is one that should be replaced, write the new one and read again.

    Returns:
        The value that was read last, and whether it was written; a list of one, as everywhere.

    Raises:
        WriteRefusedError: as `read_file` and `write_file`.
    """
    path = path_of(step.kind, step.address)
    has_written = False

    def choose(text: str | None) -> str | None:
        nonlocal has_written
        has_written = is_wanted([_value(step, path, text)])
        return _text(step, path) if has_written else None

    last = host.exchange(path, choose)
    return [_value(step, path, last)], has_written


def parse_cpus(place: str, text: str) -> CpuSet:
    """A list that a file of the kernel or a step has.

    Raises:
        WriteRefusedError: it is none; `place` says where it stands.
    """
    try:
        return CpuSet.parse_kernel(text)
    except CpuListError as error:
        raise WriteRefusedError(place, f"holds {text[:80]!r}") from error


def _value(step: Step, path: str, text: str | None) -> str | None:
    if text is None:
        return None
    # Thousands of interrupts: most texts are one of the two expected ones. Masks look like lists.
    if step.kind is _IRQ_AFFINITY:
        plain = text.rstrip("\n")
        if plain in (step.old, step.new):
            return plain
    try:
        return _from_kernel(step.kind, text)
    except (CpuListError, KeyError) as error:
        raise WriteRefusedError(path, f"holds {text[:80]!r}") from error


def _text(step: Step, path: str) -> str:
    if step.kind is _IRQ_AFFINITY and step.new:
        return step.new
    try:
        return _to_kernel(step.kind, step.new or "")
    except (CpuListError, KeyError) as error:
        raise WriteRefusedError(path, f"cannot be set to {step.new!r}") from error


def _from_kernel(kind: Kind, text: str) -> str:
    if kind in HOTPLUG:
        return _IS_ONLINE[text.strip()]
    if kind in _WORDS:
        return chosen_word(text)
    if kind in _MASKS:
        return str(CpuSet.parse_mask(text))
    return str(CpuSet.parse_kernel(text))


def _to_kernel(kind: Kind, value: str) -> str:
    if kind in HOTPLUG:
        return _ONLINE[value]
    if kind in _MASKS:
        return CpuSet.parse(value).format_mask()
    return value

# SPDX-License-Identifier: Apache-2.0
"""Values behind one file of the kernel's: interrupts, unbound work, CPUs.

The plan speaks in cpulists; `/proc/irq/default_smp_affinity` and the workqueue masks take hexadecimal
masks, `cpuN/online` takes 0 and 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import path_of
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host

_MASKS = frozenset({Kind.IRQ_DEFAULT_AFFINITY, Kind.WORKQUEUE_CPUMASK})
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
    text = host.read(path)
    if text is None:
        return None
    if text.rstrip("\n") == step.old:
        return step.old
    try:
        return _from_kernel(step.kind, text)
    except (CpuListError, KeyError) as error:
        raise WriteRefusedError(path, f"holds {text[:80]!r}") from error


def write_file(host: Host, step: Step) -> None:
    """Write the new value.

    Raises:
        WriteRefusedError: the kernel refuses, or the value is none that can be written.
    """
    path = path_of(step.kind, step.address)
    try:
        text = _to_kernel(step.kind, step.new or "")
    except (CpuListError, KeyError) as error:
        raise WriteRefusedError(path, f"cannot be set to {step.new!r}") from error
    host.write(path, text)


def _from_kernel(kind: Kind, text: str) -> str:
    if kind is Kind.CPU_ONLINE:
        return _IS_ONLINE[text.strip()]
    if kind in _WORDS:
        return text.strip()
    if kind in _MASKS:
        return str(CpuSet.parse_mask(text))
    return str(CpuSet.parse_kernel(text))


def _to_kernel(kind: Kind, value: str) -> str:
    if kind is Kind.CPU_ONLINE:
        return _ONLINE[value]
    if kind in _MASKS:
        return CpuSet.parse(value).format_mask()
    return value

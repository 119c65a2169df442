# SPDX-License-Identifier: Apache-2.0
"""A CPU that goes offline and comes back once, so that what was armed on it goes on elsewhere.

Interface: /sys/devices/system/cpu/cpuN/online, see Documentation/core-api/cpu_hotplug.rst. The kernel moves
timers and queued work of a CPU that goes offline to others (kernel/time/timer.c, timers_dead_cpu;
kernel/time/hrtimer.c; kernel/workqueue.c). Its value is the same before and after, so that there is nothing
to undo; a run that is killed in between leaves the CPU offline, and recovery brings it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import path_of
from kvmrt_plan.apply.kernel_files import read_file
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError

if TYPE_CHECKING:
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host

_OFFLINE = "offline"


def evacuate(host: Host, step: Step) -> None:
    """Off, unless it is already, and on.

    Raises:
        WriteRefusedError: the kernel refuses. One that has an `errno_name` has left the CPU online.
    """
    path = path_of(step.kind, step.address)
    is_away = read_file(host, step) == _OFFLINE
    try:
        if not is_away:
            host.write(path, "0")
            is_away = True
        host.write(path, "1")
    except WriteRefusedError as error:
        if not is_away and read_file(host, step) != _OFFLINE:
            raise
        raise WriteRefusedError(path, f"does not come back: {error.cause}") from error


def is_between(step: Step, now: str | None) -> bool:
    """Whether a run was killed while the CPU was away."""
    return step.kind is Kind.CPU_EVACUATION and now == _OFFLINE

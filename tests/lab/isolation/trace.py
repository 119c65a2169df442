# SPDX-License-Identifier: Apache-2.0
"""What the kernel's tracepoints tell of chosen CPUs.

A trace instance of our own (Documentation/trace/ftrace.rst), with tracing_cpumask, so that nobody else's
tracing is touched and no other CPU is watched. Buffers are read once it has stopped: reading them would be
work on the host while is counted.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TRACEFS = Path("/sys/kernel/tracing")
#: Tracepoints, with their filters. Switches to the idle task (0) are no disturbance.
_POINTS = {
    "sched/sched_switch": "next_pid > 0",
    "workqueue/workqueue_execute_start": "",
    "timer/hrtimer_expire_entry": "",
    "timer/timer_expire_entry": "",
    "irq/softirq_entry": "",
}
_BUFFER_KIB = 8192
#: `          <idle>-0       [004] d..2.    21.123456: sched_switch: prev_comm=...`
_LINE = re.compile(r"\s*.*-\d+\s+\[(\d+)\]\s+\S+\s+[\d.]+: (\w+): (.*)")
_SWITCH = re.compile(r"==> next_comm=(.*) next_pid=(\d+) next_prio=")
#: `function=tick_sched_timer`, `function vmstat_update`, `vec=9 [action=RCU]`.
_FUNCTION = re.compile(r"\b(?:function[= ]\s*|action=)([^\s\]]+)")


@dataclass(frozen=True, slots=True)
class Event:
    """A tracepoint that was passed."""

    cpu: int
    #: Its name without the group.
    point: str
    #: The task that was switched to; empty for the others.
    comm: str
    pid: int
    #: What was called, of a softirq its name; empty for a switch.
    function: str


class Trace:
    """An instance that records between `start` and `stop`."""

    def __init__(self, folder: Path, cpus: frozenset[int]) -> None:
        self._folder = folder
        self._cpus = cpus

    def start(self) -> None:
        """Record from now."""
        self._write("tracing_on", "1")

    def stop(self) -> None:
        """Record no more."""
        self._write("tracing_on", "0")

    def events(self) -> list[Event]:
        """What was recorded.

        Raises:
            OverflowError: the buffers were too small, counts would be too low.
        """
        found: list[Event] = []
        for cpu in sorted(self._cpus):
            folder = self._folder / "per_cpu" / f"cpu{cpu}"
            lost = re.findall(
                r"(?:overrun|dropped events): ([1-9]\d*)", (folder / "stats").read_text()
            )
            if lost:
                raise OverflowError(f"CPU {cpu} lost {lost} events; _BUFFER_KIB is too small")
            with (folder / "trace").open(errors="replace") as lines:
                found += parse_events(lines)
        return found

    def prepare(self) -> None:
        """Tracepoints on, recording off. Switching them patches code, which interrupts every CPU once."""
        self._write("tracing_on", "0")
        self._write("tracing_cpumask", f"{sum(1 << cpu for cpu in self._cpus):x}")
        for cpu in self._cpus:
            self._write(f"per_cpu/cpu{cpu}/buffer_size_kb", str(_BUFFER_KIB))
        for point, condition in _POINTS.items():
            if condition:
                self._write(f"events/{point}/filter", condition)
            self._write(f"events/{point}/enable", "1")

    def _write(self, name: str, value: str) -> None:
        (self._folder / name).write_text(value)


@contextmanager
def tracing(cpus: Iterable[int], tracefs: Path = TRACEFS) -> Iterator[Trace]:
    """A trace of these CPUs, which is gone with the block."""
    folder = tracefs / "instances" / "kvmrt-isolation"
    folder.mkdir()
    try:
        trace = Trace(folder, frozenset(cpus))
        trace.prepare()
        yield trace
    finally:
        folder.rmdir()


def parse_events(lines: Iterable[str]) -> Iterator[Event]:
    """The events in the text of a trace; lines that are comments have none.

    Raises:
        ValueError: a line that is neither.
    """
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        found = _LINE.match(line)
        if found is None:
            raise ValueError(f"no event: {line!r}")
        cpu, point, fields = int(found[1]), found[2], found[3]
        if point == "sched_switch":
            task = _SWITCH.search(fields)
            if task is None:
                raise ValueError(f"no task: {line!r}")
            yield Event(cpu, point, task[1], int(task[2]), "")
        else:
            called = _FUNCTION.search(fields)
            yield Event(cpu, point, "", 0, called[1] if called else "?")

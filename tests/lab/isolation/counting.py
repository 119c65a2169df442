# SPDX-License-Identifier: Apache-2.0
"""Counts what ran on chosen CPUs during some seconds: the columns of the table, and what each event was."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.isolation import tasks
from lab.isolation.interrupts import Line, read_interrupts
from lab.isolation.trace import Event, tracing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.isolation.load import Load

#: Columns of a row, in order: switches to tasks by their kind, interrupts, items of workqueues.
COLUMNS = ("user", "unbound", "bound", "guest", "movable", "managed", "tick", "ipi", "work")
#: Between the end of preparations and the begin of the count: what they have caused is over.
_SETTLE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Counted:
    """One CPU."""

    columns: Counter[str] = field(default_factory=Counter)
    #: By what it was: a task's name, an interrupt's, a function.
    events: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Watch:
    """What is counted, and for how long."""

    cpus: tuple[int, ...]
    seconds: float
    #: Numbers of interrupts that cannot be moved.
    immovable: frozenset[str]


def count(watch: Watch, load: Load, guest: int | None) -> dict[int, Counted]:
    """Counts under load, by CPU; `guest` is the process of the RT guest, if one runs."""
    with tracing(watch.cpus) as trace:
        load.resume()
        time.sleep(_SETTLE_SECONDS)
        known = tasks.known_tasks(guest)
        time.sleep(_SETTLE_SECONDS / 4)
        trace.start()
        before = read_interrupts()
        time.sleep(watch.seconds)
        after = read_interrupts()
        trace.stop()
        known |= tasks.known_tasks(guest)
        load.pause()
        events = trace.events()
    found = {cpu: Counted() for cpu in watch.cpus}
    add_events(found, events, known)
    after.subtract(before)
    add_interrupts(found, after, watch.immovable)
    return found


def add_events(
    found: Mapping[int, Counted], events: Iterable[Event], known: Mapping[int, str]
) -> None:
    """Tracepoints into columns."""
    for event in events:
        counted = found[event.cpu]
        if event.point == "sched_switch":
            kind = known.get(event.pid) or tasks.kind_by_name(event.comm)
            counted.columns[kind] += 1
            counted.events[f"{kind}: {event.comm}"] += 1
        elif event.point == "workqueue_execute_start":
            counted.columns["work"] += 1
            counted.events[f"work: {event.function}"] += 1
        elif event.point == "softirq_entry":
            counted.events[f"softirq: {event.function}"] += 1
        else:
            counted.events[f"timer: {event.function}"] += 1


def add_interrupts(
    found: Mapping[int, Counted], passed: Mapping[Line, int], immovable: frozenset[str]
) -> None:
    """Interrupts that came meanwhile into columns."""
    for line, number in passed.items():
        counted = found.get(line.cpu)
        if counted is None or not number:
            continue
        column = line.kind
        if column == "device":
            column = "managed" if line.label in immovable else "movable"
        counted.columns[column] += number
        counted.events[f"{column}: {line.label} {line.name}"] += number

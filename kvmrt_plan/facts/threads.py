# SPDX-License-Identifier: Apache-2.0
"""Threads of running VMs, from /proc.

Sources: proc_pid_stat(5), proc_pid_status(5). A thread that ended while the snapshot was taken has
some of its files and not others: it is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmrt_plan.errors import FactError
from kvmrt_plan.facts.domain import Thread
from kvmrt_plan.facts.reading import parse_int
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.snapshot import Snapshot

#: linux/sched.h.
_POLICIES = {
    0: "SCHED_OTHER",
    1: "SCHED_FIFO",
    2: "SCHED_RR",
    3: "SCHED_BATCH",
    5: "SCHED_IDLE",
    6: "SCHED_DEADLINE",
    7: "SCHED_EXT",
}
#: Fields of proc_pid_stat(5), counted from the one after the name, which is the third.
_PROCESSOR, _PRIORITY, _POLICY = 39 - 3, 40 - 3, 41 - 3


def qemu_folders(snapshot: Snapshot) -> dict[str, str]:
    """The folder of each QEMU process (`/proc/812`) by the UUID its command line names."""
    found: dict[str, str] = {}
    for _, folder in snapshot.numbered("/proc", ""):
        arguments = snapshot.files.get(f"{folder}/cmdline", "").split("\0")
        if "-uuid" in arguments[:-1]:
            uuid = arguments[arguments.index("-uuid") + 1]
            found.setdefault(uuid.lower(), folder)
    return found


def parse_threads(snapshot: Snapshot, folder: str) -> tuple[Thread, ...]:
    """The threads of the process, by ascending number.

    Raises:
        FactError: a text is not what the kernel prints there.
    """
    return tuple(_parse_all(snapshot, f"{folder}/task"))


def _parse_all(snapshot: Snapshot, folder: str) -> Iterator[Thread]:
    for tid, path in snapshot.numbered(folder, ""):
        stat = snapshot.files.get(f"{path}/stat")
        status = snapshot.files.get(f"{path}/status")
        if stat and status:
            yield _parse_thread(tid, path, stat=stat, status=status)


def _parse_thread(tid: int, path: str, *, stat: str, status: str) -> Thread:
    parsed = parse_stat(f"{path}/stat", stat)
    return Thread(
        tid=tid,
        name=parsed.name,
        affinity=_affinity(f"{path}/status", status),
        policy=_POLICIES.get(parsed.policy, f"SCHED_{parsed.policy}"),
        priority=parsed.priority,
        last_cpu=parsed.last_cpu,
    )


class Stat(NamedTuple):
    """What matters of a thread's stat; numbers as the kernel prints them."""

    name: str
    policy: int
    priority: int
    last_cpu: int


def parse_stat(path: str, text: str) -> Stat:
    """A line of proc_pid_stat(5).

    Raises:
        FactError: it is none.
    """
    # The name stands in parentheses and may hold parentheses and blanks itself: `(CPU 0/KVM)`.
    before, closing, after = text.rpartition(")")
    fields = after.split()
    if not closing or len(fields) <= _POLICY:
        raise FactError(path, "has no name in parentheses or too few fields")
    return Stat(
        name=before.partition("(")[2],
        policy=parse_int(fields[_POLICY], path),
        priority=parse_int(fields[_PRIORITY], path),
        last_cpu=parse_int(fields[_PROCESSOR], path),
    )


def _affinity(path: str, status: str) -> CpuSet:
    for line in status.split("\n"):
        if line.startswith("Cpus_allowed_list:"):
            try:
                return CpuSet.parse_kernel(line.partition(":")[2])
            except ValueError as error:
                raise FactError(path, f"Cpus_allowed_list is no list of CPUs: {error}") from error
    raise FactError(path, "has no line Cpus_allowed_list")

# SPDX-License-Identifier: Apache-2.0
"""Reads every thread of this machine, quickly: 12 us each, of which the kernel takes most.

Threads come and go: one that ends while it is read is left out, one that begins may be missing.
"""

from __future__ import annotations

import os

from kvmrt_plan.facts.task import affinity_of, parse_allowed, parse_cgroup, parse_task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.task import Task
    from kvmrt_plan.values.cpuset import CpuSet

#: A stat has less than 1 KiB, a status less than 4 KiB where there are at most 8,192 CPUs.
_LIMIT_BYTES = 65536


def read_tasks(*, with_cgroups: bool) -> Iterator[Task]:
    """All threads, by process and thread number.

    Args:
        with_cgroups: also read each thread's cgroup, which takes as long again.
    """
    known: dict[frozenset[int], CpuSet] = {}
    for pid in _numbers("/proc"):
        for tid in _numbers(f"/proc/{pid}/task"):
            folder = f"/proc/{pid}/task/{tid}"
            try:
                stat = _read(f"{folder}/stat")
                affinity = _affinity(tid, folder, known)
                cgroup = parse_cgroup(_read(f"{folder}/cgroup")) if with_cgroups else None
            except (FileNotFoundError, ProcessLookupError):
                continue
            yield parse_task(pid, stat, affinity=affinity, cgroup=cgroup)


def _affinity(tid: int, folder: str, known: dict[frozenset[int], CpuSet]) -> CpuSet | None:
    # sched_getaffinity(2) is a tenth of reading `status`; both leave out what is not online, or do not,
    # as taskset(1) does. A security module may refuse it.
    try:
        return affinity_of(frozenset(os.sched_getaffinity(tid)), known)
    except PermissionError:
        return parse_allowed(_read(f"{folder}/status"), f"{folder}/status")


def _numbers(folder: str) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(folder) if name.isdecimal())
    except (FileNotFoundError, ProcessLookupError):
        return []


def _read(path: str) -> str:
    # Not by open(), which makes three objects for each file.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _LIMIT_BYTES).decode("utf-8", "surrogateescape")
    finally:
        os.close(descriptor)

# SPDX-License-Identifier: Apache-2.0
"""Reads every thread of this machine, quickly: 12 us each, of which the kernel takes most.

Threads come and go: one that ends while it is read is left out, one that begins may be missing.
"""

from __future__ import annotations

import os

from kvmrt_plan.facts.task import parse_allowed, parse_cgroup, parse_task
from kvmrt_plan.values.cpuset import CpuSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.task import Task

#: A stat has less than 1 KiB, a status less than 4 KiB where there are at most 8,192 CPUs.
_LIMIT_BYTES = 65536
_FLAGS = os.O_RDONLY | os.O_CLOEXEC


def read_tasks(*, with_cgroups: bool) -> Iterator[Task]:
    """All threads, by process and thread number.

    Args:
        with_cgroups: also read each thread's cgroup, which takes as long again.
    """
    known: dict[frozenset[int], CpuSet] = {}
    for pid in _numbers("/proc"):
        threads = f"/proc/{pid}/task"
        for tid in _numbers(threads):
            try:
                stat = _read(f"{threads}/{tid}/stat")
                affinity = _affinity(tid, f"{threads}/{tid}", known)
                cgroup = parse_cgroup(_read(f"{threads}/{tid}/cgroup")) if with_cgroups else None
            except (FileNotFoundError, ProcessLookupError):
                continue
            yield parse_task(pid, stat, affinity=affinity, cgroup=cgroup)


def _affinity(tid: int, folder: str, known: dict[frozenset[int], CpuSet]) -> CpuSet | None:
    # sched_getaffinity(2) is a tenth of reading `status`; both leave out what is not online, or do not,
    # as taskset(1) does. A security module may refuse it.
    try:
        cpus = frozenset(os.sched_getaffinity(tid))
    except PermissionError:
        return parse_allowed(_read(f"{folder}/status"), f"{folder}/status")
    # Made once for the few that thousands of threads share.
    if cpus not in known:
        known[cpus] = CpuSet(cpus)
    return known[cpus]


def _numbers(folder: str) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(folder) if name.isdecimal())
    except (FileNotFoundError, ProcessLookupError):
        return []


def _read(path: str) -> str:
    # Not by open(), which makes three objects for each file.
    descriptor = os.open(path, _FLAGS)
    try:
        content = os.read(descriptor, _LIMIT_BYTES)
    finally:
        os.close(descriptor)
    return content.decode("utf-8", "surrogateescape")

# SPDX-License-Identifier: Apache-2.0
"""Threads of this machine: where they run, how they are scheduled, in which cgroup they live."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.kthreads import parse_kthreads
from kvmrt_plan.hosts.capture import capture_kthreads

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.facts.kthreads import KernelThread
    from kvmrt_plan.values.cpuset import CpuSet

_POLICIES = {
    "other": os.SCHED_OTHER,
    "fifo": os.SCHED_FIFO,
    "rr": os.SCHED_RR,
    "batch": os.SCHED_BATCH,
    "idle": os.SCHED_IDLE,
}
_CGROUPS = "/sys/fs/cgroup"


class LiveThreads:
    """A `Threads` port over system calls. A captured tree (`root`) has no threads."""

    def __init__(self, root: str = "") -> None:
        self._root = root
        #: Numbers of the kernel's threads by name, as they were when they were last looked for.
        self._numbers: dict[str, int] = {}

    def kernel_thread(self, name: str) -> KernelThread | None:
        """By the number that it had the last time, if a thread of that name has it still: looking through
        all of /proc takes 10 ms.
        """
        for is_fresh in (False, True):
            if is_fresh:
                threads = parse_kthreads(capture_kthreads(self._root or "/"))
                self._numbers = {one.name: one.tid for one in threads.values()}
            tid = self._numbers.get(name)
            found = None if tid is None else self._read(tid, name)
            if found is not None:
                return found
        return None

    def _read(self, tid: int, name: str) -> KernelThread | None:
        threads = parse_kthreads(capture_kthreads(self._root or "/", tid=tid))
        found = next(iter(threads.values()), None)
        # The second of a name is named so among all of them; alone it is the first.
        is_it = found is not None and name in (found.name, _second_of(found.name, name))
        return replace(found, name=name) if found and is_it else None

    def set_cpus(self, tid: int, cpus: CpuSet) -> None:
        """By sched_setaffinity(2)."""
        self._call(tid, lambda: os.sched_setaffinity(tid, list(cpus)))

    def set_scheduling(self, tid: int, policy: str, priority: int) -> None:
        """By sched_setscheduler(2), which leaves the nice value of ordinary policies as it is."""
        parameter = os.sched_param(priority)
        self._call(tid, lambda: os.sched_setscheduler(tid, _POLICIES[policy], parameter))

    def move(self, tid: int, cgroup: str) -> None:
        """A threaded cgroup takes threads of its own domain alone: another comes into the domain first, as
        the process that a thread of the kernel is (cgroup-v2.rst, "Threads").
        """
        try:
            self._call(tid, lambda: _write(f"{cgroup}/cgroup.threads", tid))
        except WriteRefusedError as error:
            if error.errno_name != errno.errorcode[errno.EOPNOTSUPP]:
                raise
            domain = _domain_of(cgroup)
            self._call(tid, lambda: _write(f"{domain}/cgroup.procs", tid))
            if domain != cgroup.rstrip("/"):
                self._call(tid, lambda: _write(f"{cgroup}/cgroup.threads", tid))

    def _call(self, tid: int, call: Callable[[], None]) -> None:
        if self._root:
            raise WriteRefusedError(f"thread {tid}", "a captured tree has no threads")
        try:
            call()
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, "")
            # A cgroup that has gone went with its guest, and the thread with it.
            name = "ESRCH" if name in ("ENOENT", "ENODEV") else name
            text = error.strerror or str(error)
            raise WriteRefusedError(f"thread {tid}", text, errno_name=name) from error


def _second_of(kernel_name: str, name: str) -> str:
    """The name itself when it is one of a thread that the kernel calls so, "" when it is not."""
    head, blank, number = name.rpartition(" ")
    return name if blank and head == kernel_name and number.isdecimal() else ""


def _domain_of(cgroup: str) -> str:
    """The nearest cgroup from this one up that is not threaded; "" is the root, which has no type."""
    path = cgroup.rstrip("/")
    while path:
        try:
            with open(f"{_CGROUPS}{path}/cgroup.type", encoding="ascii") as file:
                if file.read().strip() != "threaded":
                    break
        except OSError:
            break
        path = path.rpartition("/")[0]
    return path


def _write(path: str, tid: int) -> None:
    descriptor = os.open(f"{_CGROUPS}/{path.lstrip('/')}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, f"{tid}\n".encode())
    finally:
        os.close(descriptor)

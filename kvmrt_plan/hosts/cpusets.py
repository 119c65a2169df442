# SPDX-License-Identifier: Apache-2.0
"""The cpuset of the host's tasks on cgroup v1: made, filled, emptied and removed.

Tasks move one by one (`tasks`, not `cgroup.procs`), because threads of one process may be in several cpusets.
Moved are those of user space. A thread of the kernel, or one with PF_NO_SETAFFINITY (workers of io_uring),
stays: the kernel refuses it, or would forget what it is bound to. QEMU's stay, too: where libvirt does not
use cpusets they are in the root, and RT guests must not lose their CPUs.
"""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.cpusets import BOTH, CONFINED, EVERYWHERE, HIERARCHY, OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.values.cpuset import CpuSet

#: linux/sched.h.
_PF_KTHREAD, _PF_NO_SETAFFINITY = 0x00200000, 0x04000000
#: Tasks may start others while they are moved; these are moved in the next pass.
_PASSES = 20
_LIMIT_BYTES = 1 << 22
#: How often, and how far apart, a cpuset is removed that tasks are just leaving.
_ATTEMPTS, _PAUSE_SECONDS = 50, 0.02


class TaskCpuset:
    """The cpuset `kvmrt` and the tasks of the root, below a hierarchy (a test has one of its own)."""

    def __init__(self, hierarchy: str = HIERARCHY) -> None:
        self._root = hierarchy
        self._own = f"{hierarchy}/{OURS}"

    def place(self) -> str | None:
        """Where the tasks are, in the words of `facts/cpusets.py`; None: there are no cpusets."""
        if not os.path.exists(f"{self._root}/tasks"):
            return None
        if not any(self._numbers(self._own)):
            return EVERYWHERE
        return BOTH if any(self._movable()) else CONFINED

    def make(self, cpus: CpuSet) -> None:
        """With the memory of the root: without any, a cpuset takes no task (ENOSPC).

        Raises:
            WriteRefusedError: the kernel refuses.
        """
        try:
            os.makedirs(self._own, exist_ok=True)
            _write(f"{self._own}/cpuset.mems", _read(f"{self._root}/cpuset.mems").strip())
            _write(f"{self._own}/cpuset.cpus", str(cpus))
        except OSError as error:
            raise WriteRefusedError.of(self._own, error) from error

    def remove(self) -> None:
        """Only an empty one goes (EBUSY). A task that ends is in no list any more while it still counts.

        Raises:
            WriteRefusedError: the kernel refuses.
        """
        for _ in range(_ATTEMPTS):
            try:
                os.rmdir(self._own)
            except FileNotFoundError:
                return
            except OSError as error:
                refused = error
                if error.errno != errno.EBUSY or any(self._numbers(self._own)):
                    break
                time.sleep(_PAUSE_SECONDS)
            else:
                return
        raise WriteRefusedError.of(self._own, refused) from refused

    def confine(self) -> None:
        """All movable tasks of the root go into the cpuset.

        Raises:
            WriteRefusedError: the kernel refuses to move a task.
        """
        for _ in range(_PASSES):
            if not self._move(self._movable(), f"{self._own}/tasks"):
                return
        raise WriteRefusedError(self._own, "tasks start faster than they can be moved")

    def release(self) -> None:
        """All tasks of the cpuset go back to the root.

        Raises:
            WriteRefusedError: the kernel refuses to move a task.
        """
        for _ in range(_PASSES):
            if not self._move(self._numbers(self._own), f"{self._root}/tasks"):
                return
        raise WriteRefusedError(self._own, "tasks start faster than they can be moved")

    def _move(self, tasks: Iterator[int], file: str) -> int:
        """How many there were; one that ends meanwhile has none to move."""
        count = 0
        for task in tasks:
            count += 1
            try:
                _write(file, str(task))
            except OSError as error:
                if error.errno != errno.ESRCH:
                    raise WriteRefusedError.of(f"{file} (task {task})", error) from error
        return count

    def _movable(self) -> Iterator[int]:
        guests: dict[int, bool] = {}
        for task in self._numbers(self._root):
            try:
                if _is_movable(_read(f"/proc/{task}/stat")):
                    process = _process(_read(f"/proc/{task}/status"))
                    if process not in guests:
                        guests[process] = _read(f"/proc/{process}/comm").startswith("qemu")
                    if not guests[process]:
                        yield task
            except (FileNotFoundError, ProcessLookupError):
                continue

    def _numbers(self, folder: str) -> Iterator[int]:
        try:
            text = _read(f"{folder}/tasks")
        except FileNotFoundError:
            return iter(())
        return map(int, text.split())


def _is_movable(stat: str) -> bool:
    """By its state and flags (proc_pid_stat(5))."""
    fields = stat.rpartition(")")[2].split()
    flags = int(fields[6])
    return fields[0] not in "ZX" and not flags & (_PF_KTHREAD | _PF_NO_SETAFFINITY)


def _process(status: str) -> int:
    _, _, rest = status.partition("\nTgid:")
    return int(rest.split(None, 1)[0])


def _read(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = b""
        while part := os.read(descriptor, _LIMIT_BYTES):
            content += part
    finally:
        os.close(descriptor)
    return content.decode("utf-8", "surrogateescape")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode() + b"\n")
    finally:
        os.close(descriptor)

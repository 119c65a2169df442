# SPDX-License-Identifier: Apache-2.0
"""Whether what a plan was made from has changed, for less than a plan costs.

Looks at where CPUs are assigned: the online CPUs, affinities of interrupts, cpusets of systemd's units,
masks of workqueues, the CPUs of QEMU's threads, and when libvirt or somebody else wrote a definition or the
configuration. A look costs the same on a large host: of the files a part is read each time, in turn.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kvmrt_plan.hosts.capture import capture_guest_processes
from kvmrt_plan.hosts.tree import read_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

_ONLINE = "/sys/devices/system/cpu/online"
_PATTERNS = (
    _ONLINE,
    "/proc/irq/default_smp_affinity",
    "/proc/irq/#/smp_affinity_list|smp_affinity",
    "/sys/fs/cgroup/*/cpuset.cpus",
    "/sys/fs/cgroup/*/cpuset.cpus.partition",
    "/sys/devices/virtual/workqueue/cpumask",
    "/sys/devices/virtual/workqueue/*/cpumask",
)
#: libvirt renames a file into these folders for each definition and each state of a guest that it writes.
_FOLDERS = ("/etc/libvirt/qemu", "/run/libvirt/qemu")
#: Files for one look: 300 interrupts take five seconds, and a look about a millisecond.
_AT_ONCE = 64
#: A text of an affinity for 8,192 CPUs has 5 KiB at most.
_MOST_BYTES = 65536


class Watch:
    """What it was when this was made, which is before the plan is."""

    def __init__(self, stamped: Iterable[str] = (), *, root: str = "/") -> None:
        self._root = root.rstrip("/")
        self._files = read_texts(root, _PATTERNS).files
        self._paths, self._next = tuple(self._files), 0
        threads = capture_guest_processes(root).files
        found = {int(path.split("/")[4]) for path in threads if "/task/" in path}
        self._threads = {thread: _cpus_of(thread) for thread in sorted(found)}
        self._stamps = {path: _stamp(path) for path in self._stamped(stamped)}

    def _stamped(self, files: Iterable[str]) -> list[str]:
        return [*(self._root + folder for folder in _FOLDERS), *files]

    def has_changed(self) -> bool:
        """Whether something that was looked at this time is not as it was."""
        paths = self._paths[self._next : self._next + _AT_ONCE]
        self._next = self._next + _AT_ONCE if self._next + _AT_ONCE < len(self._paths) else 0
        return (
            any(
                _text(self._root + path) != self._files[path]
                for path in {_ONLINE, *paths} & self._files.keys()
            )
            or any(_cpus_of(thread) != cpus for thread, cpus in self._threads.items())
            or any(_stamp(path) != stamp for path, stamp in self._stamps.items())
        )


def _text(path: str) -> str | None:
    """None for what has gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, _MOST_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _cpus_of(thread: int) -> frozenset[int]:
    """Nothing for a thread that has ended."""
    try:
        return frozenset(os.sched_getaffinity(thread))
    except OSError:
        return frozenset()


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns

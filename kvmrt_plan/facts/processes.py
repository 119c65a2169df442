# SPDX-License-Identifier: Apache-2.0
"""Processes of which a snapshot holds something: daemons and QEMU processes that matter here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.facts.reading import parse_int, read_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.snapshot import Snapshot

#: libvirt's monolithic daemon and the modular one for QEMU, of whom QEMU inherits its limits.
LIBVIRT_DAEMONS = ("libvirtd", "virtqemud")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemlockLimit:
    """How much memory a process may lock (RLIMIT_MEMLOCK, getrlimit(2))."""

    #: The limit that counts now; None: unlimited.
    kib: int | None


def processes_named(snapshot: Snapshot, *names: str) -> Iterator[str]:
    """Folders of the processes with one of these names (`/proc/812`), by ascending number."""
    for _, folder in snapshot.numbered("/proc", ""):
        if read_word(snapshot, f"{folder}/comm") in names:
            yield folder


def parse_memlock(snapshot: Snapshot, folder: str) -> MemlockLimit | None:
    """The process's limit of locked memory; None when its limits are not in the snapshot.

    The line reads `Max locked memory         8388608              8388608              bytes`.

    Raises:
        FactError: the limit is neither a number nor `unlimited`.
    """
    path = f"{folder}/limits"
    for line in snapshot.files.get(path, "").splitlines():
        label, found, rest = line.partition("Max locked memory")
        words = rest.split()
        if found and not label and words:
            soft = words[0]
            return MemlockLimit(kib=None if soft == "unlimited" else parse_int(soft, path) // 1024)
    return None


def parse_locked(snapshot: Snapshot, folder: str) -> int | None:
    """KiB of memory that the process has locked (proc_pid_status(5)); None when not known.

    The line reads `VmLck:	 8388608 kB`.

    Raises:
        FactError: the size is no number.
    """
    path = f"{folder}/status"
    for line in snapshot.files.get(path, "").splitlines():
        label, _, rest = line.partition(":")
        words = rest.split()
        if label == "VmLck" and words:
            return parse_int(words[0], path)
    return None


def parse_libvirt_memlock(snapshot: Snapshot) -> MemlockLimit | None:
    """The limit of libvirt's daemon; None when it does not run or may not be read.

    Raises:
        FactError: as `parse_memlock`.
    """
    limits = (
        parse_memlock(snapshot, folder) for folder in processes_named(snapshot, *LIBVIRT_DAEMONS)
    )
    return next((limit for limit in limits if limit is not None), None)

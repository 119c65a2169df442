# SPDX-License-Identifier: Apache-2.0
"""What kind of task a switch went to: one of the RT guest's, another user task, a kernel thread.

A kernel thread is bound to a CPU when it has but one CPU and nobody may move it (PF_NO_SETAFFINITY); all
others, threads of interrupts among them, could run elsewhere and are called unbound.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

#: Of /proc/PID/stat, field 9 (include/linux/sched.h).
_PF_KTHREAD = 0x00200000
_PF_NO_SETAFFINITY = 0x04000000
USER, UNBOUND, BOUND, GUEST = "user", "unbound", "bound", "guest"


def known_tasks(guest: int | None) -> dict[int, str]:
    """The kind of each thread of the host by its number; `guest` is the process of the RT guest."""
    found: dict[int, str] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        # One that has ended meanwhile.
        with suppress(OSError):
            kind = GUEST if int(entry) == guest else _kind(Path("/proc", entry))
            found.update(dict.fromkeys(map(int, os.listdir(f"/proc/{entry}/task")), kind))
    return found


def _kind(folder: Path) -> str:
    flags = int((folder / "stat").read_text().rpartition(")")[2].split()[6])
    if not flags & _PF_KTHREAD:
        return USER
    status = (folder / "status").read_text()
    cpus = re.search(r"^Cpus_allowed_list:\t(\S+)$", status, re.MULTILINE)
    is_bound = flags & _PF_NO_SETAFFINITY and cpus is not None and cpus[1].isdigit()
    return BOUND if is_bound else UNBOUND


def kind_by_name(comm: str) -> str:
    """The kind of a task that was gone before it could be looked at. Of the kernel's threads only workers
    come and go: `kworker/4:1-mm_percpu_wq` belongs to CPU 4, `kworker/u16:2` to none.
    """
    if not comm.startswith("kworker/"):
        return USER
    return UNBOUND if comm.startswith("kworker/u") else BOUND

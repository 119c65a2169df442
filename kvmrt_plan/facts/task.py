# SPDX-License-Identifier: Apache-2.0
"""Every thread of a host, kernel threads included.

Sources: proc_pid_stat(5), proc_pid_status(5), sched_getaffinity(2), and for the flags
include/linux/sched.h.
"""

from __future__ import annotations

from kvmrt_plan.errors import FactError
from kvmrt_plan.values.cpuset import CpuSet
from kvmrt_plan.values.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.texts import Texts

#: linux/sched.h.
POLICIES = {
    0: "SCHED_OTHER",
    1: "SCHED_FIFO",
    2: "SCHED_RR",
    3: "SCHED_BATCH",
    5: "SCHED_IDLE",
    6: "SCHED_DEADLINE",
    7: "SCHED_EXT",
}
_PF_KTHREAD = 0x00200000
#: The kernel bound it to its CPUs: sched_setaffinity(2) fails with EINVAL (ksoftirqd, migration, kworker).
_PF_NO_SETAFFINITY = 0x04000000
#: Fields of proc_pid_stat(5), counted from the one after the name, which is the third.
_FLAGS, _PROCESSOR, _PRIORITY, _POLICY = 9 - 3, 39 - 3, 40 - 3, 41 - 3

#: What a live host or a captured tree has to give for `parse_tasks`.
TASK_PATTERNS = (
    "/proc/#/task/#/stat",
    "/proc/#/task/#/status",
    "/proc/#/task/#/cgroup",
)


class Task(Record):
    """One thread."""

    pid: int
    tid: int
    name: str
    policy: str
    #: rt_priority: 1 to 99 of SCHED_FIFO and SCHED_RR, else 0.
    priority: int
    #: Where it may run; None when that could not be read.
    affinity: CpuSet | None
    last_cpu: int
    is_kernel: bool
    #: Whether its affinity can be changed.
    is_movable: bool
    #: Path in the unified hierarchy, or that of the cpuset controller; None when not read.
    cgroup: str | None = None


def parse_task(pid: int, stat: str, *, affinity: CpuSet | None, cgroup: str | None = None) -> Task:
    """A thread from the text of its `stat`.

    Raises:
        FactError: the text is not what the kernel prints.
    """
    # The name stands in parentheses and may hold parentheses, blanks and line breaks itself.
    before, closing, after = stat.rpartition(")")
    tid, opening, name = before.partition(" (")
    fields = after.split(None, _POLICY + 1)
    if not (closing and opening) or len(fields) <= _POLICY:
        raise FactError(f"/proc/{pid}/task/*/stat", "has no name in parentheses or too few fields")
    try:
        flags, policy = int(fields[_FLAGS]), int(fields[_POLICY])
        return Task(
            pid=pid,
            tid=int(tid),
            name=name,
            policy=POLICIES.get(policy) or f"SCHED_{policy}",
            priority=int(fields[_PRIORITY]),
            affinity=affinity,
            last_cpu=int(fields[_PROCESSOR]),
            is_kernel=bool(flags & _PF_KTHREAD),
            is_movable=not flags & _PF_NO_SETAFFINITY,
            cgroup=cgroup,
        )
    except ValueError as error:
        raise FactError(f"/proc/{pid}/task/{tid}/stat", f"has no number: {error}") from error


def is_movable_kthread(stat: str) -> bool:
    """Whether the text is that of a thread of the kernel whose affinity can be changed; whatever is no such
    text is none.
    """
    fields = stat.rpartition(")")[2].split(None, _FLAGS + 1)
    if len(fields) <= _FLAGS or not fields[_FLAGS].isdecimal():
        return False
    return int(fields[_FLAGS]) & (_PF_KTHREAD | _PF_NO_SETAFFINITY) == _PF_KTHREAD


def parse_tasks(texts: Texts) -> Iterator[Task]:
    """The threads that a captured tree or a snapshot holds; one that had ended in between is left out.

    Raises:
        FactError: a text is not what the kernel prints.
    """
    for pid, process in texts.numbered("/proc", ""):
        for _, folder in texts.numbered(f"{process}/task", ""):
            stat, status = texts.files.get(f"{folder}/stat"), texts.files.get(f"{folder}/status")
            if stat and status:
                yield parse_task(
                    pid,
                    stat,
                    affinity=parse_allowed(status, f"{folder}/status"),
                    cgroup=parse_cgroup(texts.files.get(f"{folder}/cgroup", "")),
                )


def parse_allowed(status: str, path: str) -> CpuSet | None:
    """The line `Cpus_allowed_list:` of a `status`.

    Raises:
        FactError: it is no list of CPUs.
    """
    _, found, rest = status.partition("\nCpus_allowed_list:")
    if not found:
        return None
    try:
        return CpuSet.parse_kernel(rest.partition("\n")[0])
    except ValueError as error:
        raise FactError(path, f"Cpus_allowed_list is no list of CPUs: {error}") from error


def parse_cgroup(text: str) -> str | None:
    r"""The path that counts for CPUs, of a text as cgroups(7) tells; None when there is none.

    >>> parse_cgroup("3:cpuset:/machine/vm1\n1:cpu:/\n0::/user.slice\n")
    '/machine/vm1'
    """
    unified = None
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if "cpuset" in controllers.split(","):
            return path
        if not controllers and path:
            unified = path
    return unified

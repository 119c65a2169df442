# SPDX-License-Identifier: Apache-2.0
"""Threads of the kernel: those of a CPU with their priorities, and those that are bound to none.

Sources: proc_pid_stat(5), proc_pid_status(5), include/linux/sched.h for the flags; `rcutree.kthread_prio` in
Documentation/admin-guide/kernel-parameters.txt. Only kernels with PREEMPT_RT have `rcuc/N` and `ktimers/N`.
A sample, with PF_KTHREAD and PF_NO_SETAFFINITY among its flags:

    57 (rcuc/6) S 2 0 0 0 -1 69238848 0 0 [...] 17 6 1 1 0 0 0 [...]
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.facts.guest_kthreads import kind_of_kthread
from kvmrt_plan.facts.task import parse_allowed, parse_task
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kvmrt_plan.facts.held import HeldValue
    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.facts.task import Task

#: RCU's callbacks, which CPU hotplug waits for. It does not wait for ktimers/N: beside a thread of priority 2
#: that never slept CPUs were switched within a second as long as rcuc/N had 10 (Linux 6.1).
_AWAITED = re.compile(r"rcuc/(\d{1,5})")
#: The kernel binds it to all online CPUs of its node whenever a CPU comes (mm/compaction.c,
#: kcompactd_cpu_online).
KCOMPACTD = "kcompactd"
#: Movable, and yet placed by the kernel itself: interrupts' threads follow their interrupt, rcub/N its CPUs.
_PLACED = ("irq/", "rcub/")


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelThread:
    """One thread of the kernel."""

    tid: int
    #: `rcuc/6`, `kswapd0`; of several with one name the second is `scsi_eh 2`.
    name: str
    #: As sched(7) names it, and the real-time priority.
    policy: str
    priority: int
    #: Where it may run; None: the kernel has bound it, or places it.
    affinity: CpuSet | None = None


def parse_kthreads(snapshot: Snapshot) -> dict[str, KernelThread]:
    """The threads that the snapshot holds, by name; those that work for a guest are none of them.

    Raises:
        FactError: a text is not what the kernel prints there.
    """
    counts: Counter[str] = Counter()
    found: dict[str, KernelThread] = {}
    for task, affinity in _tasks(snapshot):
        counts[task.name] += 1
        count = counts[task.name]
        name = task.name if count == 1 else f"{task.name} {count}"
        found[name] = KernelThread(
            tid=task.tid,
            name=name,
            policy=task.policy,
            priority=task.priority,
            affinity=affinity,
        )
    return found


def awaited_priorities(threads: Iterable[KernelThread]) -> Mapping[int, int]:
    """The priority of what hotplug waits for, by CPU (0: not real time); CPUs without one have no entry."""
    return {
        int(matched[1]): thread.priority
        for thread in threads
        if (matched := _AWAITED.fullmatch(thread.name))
    }


def is_forgotten(held: HeldValue, now: CpuSet) -> bool:
    """Whether a thread may use CPUs that kvmrt had taken from it: the kernel gives it all that partitions
    leave whenever one of them is made or ends (kernel/cgroup/cpuset.c, update_tasks_cpumask), and kcompactd
    those of its node. What it had before stays what it is to get back.
    """
    return held.written is not None and not now <= CpuSet.parse(held.written)


def _tasks(snapshot: Snapshot) -> Iterator[tuple[Task, CpuSet | None]]:
    for number, folder in snapshot.numbered("/proc", ""):
        stat = snapshot.files.get(f"{folder}/stat")
        if stat is None:
            continue
        task = parse_task(number, stat, affinity=None)
        if kind_of_kthread(task.name) != task.name:
            continue
        status = snapshot.files.get(f"{folder}/status")
        is_free = status is not None and task.is_movable and not task.name.startswith(_PLACED)
        yield task, parse_allowed(status, f"{folder}/status") if is_free and status else None

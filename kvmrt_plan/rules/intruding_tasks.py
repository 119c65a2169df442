# SPDX-License-Identifier: Apache-2.0
"""Threads that may run on some CPUs.

QEMU threads that may run nowhere else are the guest that owns the CPUs, and no intrusion; neither are
the kernel threads made for that guest (`vhost-812`, `kvm-pit/812`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.facts.slices import CgroupMode
from kvmrt_plan.rules.intrusion import Intrusion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.task import Task
    from kvmrt_plan.rules.intrusion import Target

_QEMU = "qemu"


def task_intrusions(facts: HostFacts, tasks: Iterable[Task], target: Target) -> Iterator[Intrusion]:
    """User tasks, kernel threads that can be moved, those of interrupts, and those that are bound."""
    present = list(tasks)
    allowed = [task for task in present if task.affinity and task.affinity & target.cpus]
    guests = _guests(present, target)
    strangers = [task for task in allowed if not _is_of_guest(task, guests, target)]
    kinds: tuple[tuple[str, str, str, Callable[[Task], bool]], ...] = (
        (
            "user tasks",
            "allowed there",
            _confine(facts, target),
            lambda task: not task.is_kernel,
        ),
        (
            "kernel threads",
            "allowed there, movable",
            target.remedy(f"for each: taskset -cp {target.others} TID"),
            lambda task: task.is_kernel and task.is_movable and not _is_of_irq(task),
        ),
        (
            "kernel threads",
            "of interrupts: they follow their interrupt",
            target.remedy(f"for each: echo {target.others} > /proc/irq/N/smp_affinity_list"),
            lambda task: task.is_kernel and task.is_movable and _is_of_irq(task),
        ),
        (
            "kernel threads",
            "bound there: they cannot be moved, and run when their CPU has work for them",
            "",
            lambda task: task.is_kernel and not task.is_movable,
        ),
    )
    for cause, text, remedy, is_meant in kinds:
        subjects = tuple((task.tid, task.name) for task in strangers if is_meant(task))
        if subjects:
            yield Intrusion(cause=cause, summary=text, remedy=remedy, subjects=subjects)


def _confine(facts: HostFacts, target: Target) -> str:
    if facts.slices.shield is not None:
        return f"shield -p {target.cpus}"
    if facts.slices.mode is CgroupMode.UNIFIED and facts.slices.has_systemd:
        return target.remedy(
            "cpuset.cpus.partition=isolated in a slice with these CPUs, as `kvmrt plan` makes one; or for "
            f"each top-level unit: systemctl set-property --runtime UNIT AllowedCPUs={target.others}"
        )
    return target.remedy(f"for each: taskset -cp {target.others} TID")


def _guests(tasks: list[Task], target: Target) -> frozenset[int]:
    """Processes of QEMU with a thread that may run on these CPUs only."""
    qemu = {task.pid for task in tasks if task.pid == task.tid and task.name.startswith(_QEMU)}
    return frozenset(task.pid for task in tasks if task.pid in qemu and _is_within(task, target))


def _is_of_guest(task: Task, guests: frozenset[int], target: Target) -> bool:
    if task.pid in guests:
        return _is_within(task, target)
    maker, _, number = task.name.replace("/", "-").rpartition("-")
    is_made_for = maker in ("vhost", "kvm-pit", "kvm-nx-lpage-recovery") and number.isdecimal()
    return is_made_for and int(number) in guests and _is_within(task, target)


def _is_within(task: Task, target: Target) -> bool:
    return bool(task.affinity) and task.affinity is not None and task.affinity <= target.cpus


def _is_of_irq(task: Task) -> bool:
    return task.name.startswith("irq/")

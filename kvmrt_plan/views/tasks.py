# SPDX-License-Identifier: Apache-2.0
"""Threads as a table for people and as a document for programs."""

from __future__ import annotations

from kvmrt_plan.views.table import render_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from kvmrt_plan.facts.task import Task
    from kvmrt_plan.values.cpuset import CpuSet

FORMAT_VERSION = "1.0"
_RIGHT = frozenset({"PID", "TID", "PRIO", "CPU"})


def render_tasks(tasks: Iterable[Task], *, with_cgroups: bool = False) -> str:
    """A line per thread, in the order given. A kernel thread that cannot be moved is `bound`."""
    headings = ["PID", "TID", "POLICY", "PRIO", "CPU", "AFFINITY", "KIND", "NAME"]
    texts: dict[CpuSet | None, str] = {None: "?"}
    rows = []
    for task in tasks:
        affinity = task.affinity
        if affinity not in texts:
            texts[affinity] = str(affinity)
        row = [
            str(task.pid),
            str(task.tid),
            task.policy,
            str(task.priority),
            str(task.last_cpu),
            texts[affinity],
            kind_of(task),
            task.name,
        ]
        if with_cgroups:
            row.append(task.cgroup or "-")
        rows.append(row)
    return render_table([*headings, "CGROUP"] if with_cgroups else headings, rows, right=_RIGHT)


def tasks_document(tasks: Iterable[Task]) -> dict[str, Any]:
    """The document of `kvmrt tasks --json`."""
    return {"format_version": FORMAT_VERSION, "tasks": [task_document(task) for task in tasks]}


def task_document(task: Task) -> dict[str, Any]:
    """One thread; null is what could not be read."""
    return {
        "pid": task.pid,
        "tid": task.tid,
        "name": task.name,
        "policy": task.policy,
        "priority": task.priority,
        "affinity": None if task.affinity is None else str(task.affinity),
        "last_cpu": task.last_cpu,
        "kernel": task.is_kernel,
        "movable": task.is_movable,
        "cgroup": task.cgroup,
    }


def kind_of(task: Task) -> str:
    """`user`, `kernel`, or `bound` when it cannot be moved."""
    if not task.is_movable:
        return "bound"
    return "kernel" if task.is_kernel else "user"

# SPDX-License-Identifier: Apache-2.0
"""Threads as a table and as a document."""

from __future__ import annotations

from facts_builders import cpus

from kvmrt_plan.facts.task import Task
from kvmrt_plan.views.tasks import render_tasks, tasks_document

USER = Task(
    pid=7, tid=18, name="CPU 0/KVM\x1b", policy="SCHED_FIFO", priority=1, affinity=cpus("4-5"),
    last_cpu=4, is_kernel=False, is_movable=True, cgroup="/rt\n",
)  # fmt: skip
BOUND = Task(
    pid=22, tid=22, name="ksoftirqd/1", policy="SCHED_OTHER", priority=0, affinity=None,
    last_cpu=1, is_kernel=True, is_movable=False,
)  # fmt: skip


def test_the_table_has_a_line_per_thread_and_escapes_names() -> None:
    assert render_tasks([USER, BOUND], with_cgroups=True) == (
        "PID  TID  POLICY       PRIO  CPU  AFFINITY  KIND   NAME           CGROUP\n"
        "  7   18  SCHED_FIFO      1    4  4-5       user   CPU 0/KVM\\x1b  /rt\\x0a\n"
        " 22   22  SCHED_OTHER     0    1  ?         bound  ksoftirqd/1    -\n"
    )


def test_the_document_has_null_for_what_is_not_known() -> None:
    assert tasks_document([BOUND]) == {
        "format_version": "1.0",
        "tasks": [
            {
                "pid": 22,
                "tid": 22,
                "name": "ksoftirqd/1",
                "policy": "SCHED_OTHER",
                "priority": 0,
                "affinity": None,
                "last_cpu": 1,
                "kernel": True,
                "movable": False,
                "cgroup": None,
            }
        ],
    }

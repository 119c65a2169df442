# SPDX-License-Identifier: Apache-2.0
"""Threads from their texts."""

from __future__ import annotations

import pytest

from kvmrt_plan.errors import FactError
from kvmrt_plan.facts.task import Task, parse_cgroup, parse_task, parse_tasks
from kvmrt_plan.facts.texts import PartialTexts
from kvmrt_plan.values.cpuset import CpuSet


def stat(tid: int, name: str, *, flags: int = 0, place: str = "0 0 0") -> str:
    """A stat whose fields 39 to 41, the CPU, the priority and the policy, are `place`."""
    middle = " ".join(["0"] * 28)
    return f"{tid} ({name}) S 1 1 1 0 -1 {flags} {middle} 17 {place} 0 0 0\n"


def test_a_bound_kernel_thread_is_told_by_its_flags() -> None:
    text = stat(22, "ksoftirqd/1", flags=0x04208040, place="1 0 0")
    assert parse_task(22, text, affinity=CpuSet((1,))) == Task(
        pid=22,
        tid=22,
        name="ksoftirqd/1",
        policy="SCHED_OTHER",
        priority=0,
        affinity=CpuSet((1,)),
        last_cpu=1,
        is_kernel=True,
        is_movable=False,
    )


def test_a_name_may_hold_anything() -> None:
    name = "a) S 1 (b\n c"
    text = stat(7, name, flags=0x400000, place="3 5 1")
    task = parse_task(6, text, affinity=None, cgroup="/x")
    assert (task.name, task.tid, task.policy, task.priority, task.last_cpu) == (
        name, 7, "SCHED_FIFO", 5, 3,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "7 (x", "7 (x) S 1", stat(7, "x", place="0 y 0")])
def test_other_texts_are_an_error(text: str) -> None:
    with pytest.raises(FactError, match="stat: has no"):
        parse_task(7, text, affinity=None)


def test_a_thread_that_ended_in_between_is_left_out() -> None:
    text = stat(8, "x", place="0 3 2")
    status = "Name:\tx\nCpus_allowed_list:\t0-1,4\nMems_allowed_list:\t0\n"
    texts = PartialTexts(
        {
            "/proc/7/task/7/stat": text.replace("8 (", "7 ("),
            "/proc/7/task/8/stat": text,
            "/proc/7/task/8/status": status,
            "/proc/7/task/8/cgroup": "0::/a\n",
        }
    )
    tasks = list(parse_tasks(texts))
    assert [(one.pid, one.tid, str(one.affinity), one.cgroup) for one in tasks] == [
        (7, 8, "0-1,4", "/a")
    ]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("0::/user.slice\n", "/user.slice"),
        ("3:cpu,cpuset:/m\n0::/\n", "/m"),
        ("1:name=systemd:/x\n", None),
        ("0::/with:colon\n", "/with:colon"),
        ("", None),
    ],
)
def test_the_cgroup_that_counts_is_that_of_the_cpuset(text: str, path: str | None) -> None:
    assert parse_cgroup(text) == path

# SPDX-License-Identifier: Apache-2.0
"""Priorities of the kernel's threads that CPU hotplug waits for."""

from __future__ import annotations

from kvmrt_plan.facts.kthreads import parse_kthreads
from kvmrt_plan.facts.snapshot import Snapshot


def stat(tid: int, name: str, priority: int) -> str:
    middle = " ".join(["0"] * 28)
    return f"{tid} ({name}) S 2 0 0 0 -1 2129984 {middle} 17 0 {priority} 1 0 0 0\n"


def test_expired_timers_do_not_count_where_rcus_priority_was_raised() -> None:
    """As Linux 6.1 with PREEMPT_RT has them, booted with rcutree.kthread_prio=10."""
    texts = {
        "/proc/16/stat": stat(16, "ktimers/0", 1),
        "/proc/18/stat": stat(18, "rcuc/0", 10),
        "/proc/25/stat": stat(25, "ktimers/1", 1),
        "/proc/27/stat": stat(27, "rcuc/1", 10),
    }

    assert parse_kthreads(Snapshot(name="lab", captured="", files=texts)) == {0: 10, 1: 10}

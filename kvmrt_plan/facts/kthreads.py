# SPDX-License-Identifier: Apache-2.0
"""Threads of the kernel that a CPU cannot come or go without: their real-time priorities.

Sources: proc_pid_stat(5); `rcutree.kthread_prio` in Documentation/admin-guide/kernel-parameters.txt. Only
kernels with PREEMPT_RT have `rcuc/N` and `ktimers/N`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.facts.threads import parse_stat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.facts.snapshot import Snapshot

#: RCU's callbacks, and expired timers.
_NAME = re.compile(r"(?:rcuc|ktimers)/(\d{1,5})")


def parse_kthreads(snapshot: Snapshot) -> Mapping[int, int]:
    """The lowest priority of these threads by CPU (0: not real time); CPUs without any have no entry.

    Raises:
        FactError: a text is not what the kernel prints there.
    """
    found: dict[int, int] = {}
    for _, folder in snapshot.numbered("/proc", ""):
        path = f"{folder}/stat"
        text = snapshot.files.get(path)
        if text is None:
            continue
        stat = parse_stat(path, text)
        if matched := _NAME.fullmatch(stat.name):
            cpu = int(matched[1])
            found[cpu] = min(stat.priority, found.get(cpu, stat.priority))
    return found

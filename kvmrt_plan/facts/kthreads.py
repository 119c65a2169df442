# SPDX-License-Identifier: Apache-2.0
"""Threads of the kernel that a CPU cannot come or go without: their real-time priorities.

Sources: proc_pid_stat(5); `rcutree.kthread_prio` in Documentation/admin-guide/kernel-parameters.txt. Only
kernels with PREEMPT_RT have `rcuc/N` with one. `ktimers/N` stays at 1 whatever is asked, and hotplug does not
wait for it: beside a thread of priority 2 that never slept CPUs were switched within a second as long as
`rcuc/N` had 10 (Linux 6.1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.facts.threads import parse_stat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.facts.snapshot import Snapshot

#: RCU's callbacks.
_NAME = re.compile(r"rcuc/(\d{1,5})")


def parse_kthreads(snapshot: Snapshot) -> Mapping[int, int]:
    """The priority of the thread by CPU (0: not real time); CPUs without one have no entry.

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
            found[int(matched[1])] = stat.priority
    return found

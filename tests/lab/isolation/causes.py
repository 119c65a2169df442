# SPDX-License-Identifier: Apache-2.0
"""What each event that remains on a guest's CPUs is, and why it is there.

An event without an entry here is one that somebody has to look at: the test fails, and either kvmrt can keep
it away or docs/isolation.md says what it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.isolation.boots import Counts

#: Events, as lab.isolation.counting names them, with what they are.
CAUSES = {
    r"guest: .*": "a thread of the guest",
    r"timer: (tick_sched_timer|tick_nohz_highres_handler)": "the tick of a CPU that is not idle",
    r"timer: hrtimer_wakeup": "a thread of the guest that slept until a time",
    r"tick: LOC .*": "a timer above went off",
    r"ipi: RES .*": "another CPU has woken a thread here",
    r"ipi: IWI .*": "what the kernel had put off in an interrupt of this CPU",
    r"bound: (ktimers|ksoftirqd)/\d+": "softirqs of what ran here: timers, RCU",
    r"bound: rcuc/\d+": "RCU callbacks of what ran here",
    r"bound: kworker/\d+:.*": "runs the work items below",
    r"softirq: (TIMER|HRTIMER|RCU)": "work of the timers and of RCU, done in these threads",
    r"work: vmstat_update": "statistics of a CPU that has used memory, every vm.stat_interval seconds",
    r"work: psi_avgs_work": "averages of /proc/pressure for the guest's cgroups, begun by its threads",
    r"timer: delayed_work_timer_fn": "starts such a work item",
}


def unexplained(cpus: Mapping[int, Counts]) -> dict[str, int]:
    """Events of a state that no entry is about, with their number on all CPUs."""
    known = [re.compile(pattern) for pattern in CAUSES]
    found: dict[str, int] = {}
    for counts in cpus.values():
        for name, number in counts.events.items():
            if not any(pattern.fullmatch(name) for pattern in known):
                found[name] = found.get(name, 0) + number
    return found

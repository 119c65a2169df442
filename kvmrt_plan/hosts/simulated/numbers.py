# SPDX-License-Identifier: Apache-2.0
"""Files of a simulated host that take a number: which ones they refuse, all with EINVAL.

As measured on Linux 6.1: page merging knows 0 to 2 (mm/ksm.c, run_store), the time of real-time threads is at
most the period, a second where nobody has changed it (kernel/sched/rt.c, sched_rt_global_validate), and a
CPU's latency is not negative, or `n/a` for none at all (drivers/base/power/sysfs.c).
"""

from __future__ import annotations

from kvmrt_plan.facts.knobs import HOST_KNOBS, THROTTLING

_LATENCY = "/power/pm_qos_resume_latency_us"
_NO_LATENCY = "n/a"
_LARGEST = {HOST_KNOBS["ksm/run"]: 2, HOST_KNOBS[THROTTLING]: 1_000_000}


def is_number_for(path: str, word: str) -> bool:
    """Whether the file takes the text."""
    if path.endswith(_LATENCY):
        return word == _NO_LATENCY or word.isdigit()
    if not word.removeprefix("-").isdigit():
        return False
    return path not in _LARGEST or int(word) <= _LARGEST[path]

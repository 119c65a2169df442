# SPDX-License-Identifier: Apache-2.0
"""Frequencies, idle states, and what firmware does behind the kernel."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kvmrt_plan.hostchecks.check import Check, passed, skipped, warned
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.hostchecks.check import HostView, Outcome

_CPU = "/sys/devices/system/cpu"
#: Idle states that take longer than this to leave show in a guest's latency.
_LATENCY_US = 10


def governor(view: HostView) -> Outcome:
    """Of the CPUs of real-time VMs, or of all."""
    governors = {
        cpu: word
        for cpu in view.rt_cpus or view.facts.cpus.online
        if (word := view.word(f"{_CPU}/cpu{cpu}/cpufreq/scaling_governor"))
    }
    if not governors:
        return skipped("the kernel does not change frequencies here")
    found = Counter(governors.values())
    present = ", ".join(f"{name} on {count} CPUs" for name, count in sorted(found.items()))
    others = CpuSet(cpu for cpu, name in governors.items() if name != "performance")
    if others:
        return warned(present, f"performance on CPUs {others}")
    turbo = view.word(f"{_CPU}/intel_pstate/no_turbo")
    return passed(present + {"0": ", turbo on", "1": ", turbo off"}.get(turbo or "", ""))


def idle(view: HostView) -> Outcome:
    """States that are not disabled and take long to leave."""
    slow: dict[int, int] = {}
    is_known = False
    for cpu in view.rt_cpus or view.facts.cpus.online:
        # `n/a` is the strictest constraint: no latency is tolerated, only polling is left.
        limit = view.word(f"{_CPU}/cpu{cpu}/power/pm_qos_resume_latency_us")
        for _, folder in view.snapshot.numbered(f"{_CPU}/cpu{cpu}/cpuidle", "state"):
            latency = view.word(f"{folder}/latency") or ""
            is_known = True
            is_slow = latency.isdigit() and int(latency) > _allowed(limit)
            if is_slow and view.word(f"{folder}/disable") != "1":
                slow[cpu] = max(slow.get(cpu, 0), int(latency))
    if not is_known:
        return skipped("the kernel has no idle driver, or it was not captured")
    if slow:
        longest = max(slow.values())
        return warned(
            f"up to {longest} us to wake CPUs {CpuSet(slow)}", f"at most {_LATENCY_US} us"
        )
    return passed(f"at most {_LATENCY_US} us")


def _allowed(limit: str | None) -> float:
    """The latency above which a state is too slow: infinite where the constraint forbids it anyway."""
    if limit is None or limit in ("", "0"):
        return _LATENCY_US
    if limit == "n/a" or (limit.isdigit() and int(limit) <= _LATENCY_US):
        return float("inf")
    return _LATENCY_US


def firmware(view: HostView) -> Outcome:
    """Whether the kernel can measure what firmware takes."""
    tracers = view.word("/sys/kernel/tracing/available_tracers")
    if tracers is None:
        return skipped("tracing is not there, or may not be read")
    if "hwlat" in tracers.split():
        return passed("the tracer hwlat is there: run `rtla hwnoise` before you trust the machine")
    return passed("no tracer hwlat in this kernel")


CHECKS = (
    Check(
        number=30, title="Frequency of the CPUs", run=governor,
        why="A CPU that has to speed up first answers late.",
        remedy="cpupower frequency-set -g performance",
    ),
    Check(
        number=31, title="Idle states", run=idle,
        why="A CPU in a deep idle state needs up to hundreds of microseconds to wake.",
        remedy="write n/a to cpuN/power/pm_qos_resume_latency_us, or boot with processor.max_cstate=1 "
        "intel_idle.max_cstate=1",
    ),
    Check(
        number=41, title="System management interrupts", run=firmware,
        why="Firmware stops all CPUs for its own work, and no kernel can see or forbid it.",
        remedy="none is needed; look for settings of power and USB legacy support in the firmware",
    ),
)  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""Clocks, throttling, RCU and watchdogs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.hostchecks.check import Check, failed, passed, skipped, warned
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.hostchecks.check import HostView, Outcome

_FAIR_SERVER = "/sys/kernel/debug/sched/fair_server"


def throttling(view: HostView) -> Outcome:
    """Runtime of real-time tasks, and the fair server of newer kernels."""
    runtime = view.word("/proc/sys/kernel/sched_rt_runtime_us")
    if runtime is None:
        return skipped("the kernel has no sched_rt_runtime_us")
    if runtime != "-1":
        return warned(f"{runtime} us of each period", "-1")
    servers = view.snapshot.numbered(_FAIR_SERVER, "cpu")
    serving = CpuSet(
        cpu for cpu, folder in servers if view.word(f"{folder}/runtime") not in ("0", None)
    )
    hit = serving & view.rt_cpus if view.rt_cpus else serving
    if hit:
        return warned(
            f"-1, but the fair server runs on CPUs {hit}",
            "runtime 0",
            f"write 0 to {_FAIR_SERVER}/cpuN/runtime",
        )
    return passed("-1")


def rcu_priority(view: HostView) -> Outcome:
    """RCU's threads must get past a vCPU."""
    text = view.word("/sys/module/rcutree/parameters/kthread_prio")
    if not text or not text.isdigit():
        return skipped("the kernel does not show rcutree.kthread_prio")
    highest = 1
    if view.configuration is not None:
        schedulers = (vm.vcpu_scheduler for vm in view.configuration.vms)
        highest = max((one.priority for one in schedulers if one is not None), default=1)
    if int(text) > highest:
        return passed(f"{text}, vCPUs have {highest}")
    return warned(f"{text}, vCPUs have {highest}", f"more than {highest}")


def watchdogs(view: HostView) -> Outcome:
    """The hard lockup detector's NMI, and the soft one's timer."""
    nmi, soft = view.word("/proc/sys/kernel/nmi_watchdog"), view.word("/proc/sys/kernel/watchdog")
    if nmi is None and soft is None:
        return skipped("the kernel has no watchdog, or it was not captured")
    if nmi != "1" and soft != "1":
        return passed("off")
    mask = view.word("/proc/sys/kernel/watchdog_cpumask") or ""
    try:
        watched = CpuSet.parse_kernel(mask)
    except CpuListError:
        return skipped(f"watchdog_cpumask {mask} cannot be read")
    if not watched & (view.rt_cpus or watched):
        return passed(f"on, for CPUs {watched} only")
    return warned(f"on, for CPUs {watched}", "off on CPUs of real-time VMs")


def clocksource(view: HostView) -> Outcome:
    """On x86 anything but the TSC is a register far away."""
    present = view.word("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    if present is None:
        return skipped("not captured")
    available = (
        view.word("/sys/devices/system/clocksource/clocksource0/available_clocksource") or ""
    ).split()
    is_x86 = "tsc" in view.flags or bool({"tsc", "hpet", "acpi_pm"} & {present, *available})
    if not is_x86:
        return passed(present)
    missing = {"constant_tsc", "nonstop_tsc"} - view.flags if view.flags else set()
    if present != "tsc":
        return failed(present, "tsc")
    if missing:
        return warned(f"tsc, without {', '.join(sorted(missing))}", "constant_tsc and nonstop_tsc")
    return passed("tsc")


def features(view: HostView) -> Outcome:
    """What saves exits from the guest."""
    if not view.flags:
        return skipped("the CPU's features are not known")
    missing = []
    if "tsc" in view.flags:
        missing += [
            name for name in ("tsc_deadline_timer", "nonstop_tsc") if name not in view.flags
        ]
    for path in ("kvm_intel/parameters/enable_apicv", "kvm_amd/parameters/avic"):
        if view.word(f"/sys/module/{path}") in ("N", "0"):
            missing.append(path.rpartition("/")[2])
    if missing:
        return warned(f"without {', '.join(missing)}", ", ".join(missing))
    return passed("deadline timer, invariant TSC, interrupts without exits")


CHECKS = (
    Check(
        number=25, title="Throttling of real-time tasks", run=throttling,
        why="With 950000 a busy FIFO vCPU loses 50 ms of each second.",
        remedy="sysctl kernel.sched_rt_runtime_us=-1 (then never run a FIFO task on housekeeping CPUs)",
    ),
    Check(
        number=26, title="Priority of RCU's threads", run=rcu_priority,
        why="RCU that waits behind a FIFO vCPU stalls the whole host.",
        remedy="boot with rcutree.kthread_prio=11",
    ),
    Check(
        number=27, title="Watchdogs", run=watchdogs,
        why="They interrupt every CPU that they watch.",
        remedy="sysctl kernel.nmi_watchdog=0, and kernel.watchdog_cpumask=LIST with the housekeeping CPUs",
    ),
    Check(
        number=28, title="Clock source", run=clocksource,
        why="Reading any other clock of a PC leaves the CPU, and a guest that uses it exits.",
        remedy="boot with tsc=reliable when the log says that the kernel gave it up, or update the firmware",
    ),
    Check(
        number=29, title="Features of the processor", run=features,
        why="Without them timers and interrupts of a guest cost an exit each.",
        remedy="switch them on in the firmware and in the module's parameters "
        "(`modinfo kvm_intel`, `modinfo kvm_amd`)",
    ),
)  # fmt: skip

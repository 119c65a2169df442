# SPDX-License-Identifier: Apache-2.0
"""Settings of the kernel that are one word in one file: timers, watchdog, statistics, power.

Sources: Documentation/admin-guide/sysctl/{kernel,vm}.rst, admin-guide/mm/ksm.rst, admin-guide/pm/cpufreq.rst
and Documentation/ABI/testing/sysfs-devices-power. A file that is missing is a feature the kernel does
not have, which is as good as switched off: PREEMPT_RT kernels have no numa_balancing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.facts.reading import read_word

if TYPE_CHECKING:
    from kvmrt_plan.facts.snapshot import Snapshot

WATCHDOG = "sysctl/kernel.watchdog_cpumask"
THROTTLING = "sysctl/kernel.sched_rt_runtime_us"

#: Settings of the whole host, by address.
HOST_KNOBS = {
    WATCHDOG: "/proc/sys/kernel/watchdog_cpumask",
    "sysctl/kernel.timer_migration": "/proc/sys/kernel/timer_migration",
    THROTTLING: "/proc/sys/kernel/sched_rt_runtime_us",
    "sysctl/kernel.numa_balancing": "/proc/sys/kernel/numa_balancing",
    "sysctl/vm.stat_interval": "/proc/sys/vm/stat_interval",
    "ksm/run": "/sys/kernel/mm/ksm/run",
    "sysctl/kernel.nmi_watchdog": "/proc/sys/kernel/nmi_watchdog",
    "thp/enabled": "/sys/kernel/mm/transparent_hugepage/enabled",
    "kvm/halt_poll_ns": "/sys/module/kvm/parameters/halt_poll_ns",
    "kvm/nx_huge_pages": "/sys/module/kvm/parameters/nx_huge_pages",
    # One switch for all CPUs, shown below each (arch/x86/kernel/cpu/mce/core.c); CPU 0 is always there.
    "machinecheck/ignore_ce": "/sys/devices/system/machinecheck/machinecheck0/ignore_ce",
}
#: Settings of one CPU, by the middle part of the address `power/.../N`.
CPU_KNOBS = {
    "governor": "/sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor",
    "latency": "/sys/devices/system/cpu/cpu{}/power/pm_qos_resume_latency_us",
    "energy": "/sys/devices/system/cpu/cpu{}/cpufreq/energy_performance_preference",
    "fair-server": "/sys/kernel/debug/sched/fair_server/cpu{}/runtime",
}


def parse_knobs(snapshot: Snapshot) -> dict[str, str]:
    """The present word of every setting that the kernel has, by address."""
    found = {address: read_word(snapshot, path) for address, path in HOST_KNOBS.items()}
    for cpu, _ in snapshot.numbered("/sys/devices/system/cpu", "cpu"):
        for name, path in CPU_KNOBS.items():
            found[f"power/{name}/{cpu}"] = read_word(snapshot, path.format(cpu))
    return {address: chosen_word(word) for address, word in found.items() if word is not None}


def chosen_word(text: str) -> str:
    r"""The word that counts: `always [madvise] never` is madvise, any other text is one word.

    >>> chosen_word("always [madvise] never"), chosen_word("950000\n")
    ('madvise', '950000')
    """
    before, bracket, rest = text.partition("[")
    return rest.partition("]")[0] if bracket else before.strip()

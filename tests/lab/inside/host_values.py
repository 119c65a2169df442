# SPDX-License-Identifier: Apache-2.0
"""Every text of the host that kvmrt could change, read file by file and not by kvmrt's own parsers."""

from __future__ import annotations

import glob
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Read as a whole.
_TREES = ("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/devices/virtual/workqueue",
          "/proc/irq", "/proc/sys/kernel", "/proc/sys/vm", "/sys/kernel/mm",
          # Files of others that kvmrt may add to, and units and properties that systemd keeps.
          "/etc/default", "/etc/sysconfig", "/etc/conf.d", "/etc/kernel", "/etc/modprobe.d",
          "/etc/systemd/system", "/run/systemd/transient", "/run/systemd/system.control",
          "/etc/systemd/system.control")  # fmt: skip
#: Single files of trees that would be too large or too restless.
_FILES = (
    "/sys/module/kvm*/parameters/*",
    "/sys/devices/system/machinecheck/machinecheck*/ignore_ce",
    "/sys/devices/system/cpu/cpu*/power/pm_qos_resume_latency_us",
    "/sys/devices/system/cpu/cpu*/cpufreq/scaling_*",
    "/sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference",
    "/sys/devices/system/cpu/cpu*/cpuidle/state*/disable",
    "/sys/devices/system/node/node*/hugepages/*/nr_hugepages",
    "/sys/kernel/mm/hugepages/*/nr_hugepages",
    "/sys/kernel/mm/ksm/run",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/debug/sched/fair_server/cpu*/runtime",
    "/sys/class/net/*/queues/*/[rx]ps_cpus",
    "/proc/shield/*",
    # A run that has not ended, and one that waits for somebody's word.
    "/run/kvmrt/boot.json",
    "/run/kvmrt/unconfirmed.json",
    "/var/lib/kvmrt/journal/current",
)
#: Counters, clocks and statistics, which change by themselves.
_RESTLESS = ("meminfo", "numastat", "vmstat", "spurious", "effective_affinity", "/random/", "free_",
             "ns_last_pid", "pty/nr", "/power/", "crash_notes", "/stat_refresh", "uevent", "nr_free",
             "/ksm/", "khugepaged", "/transparent_hugepage/", "numa_demotion", "/hugepages/",
             "/perf_event_max", "perf_cpu_time", "keys/", "sched_domain", "hotplug/state",
             "fs/dentry")  # fmt: skip
_CGROUPS = "/sys/fs/cgroup"
#: What `systemctl set-property --runtime` leaves.
_SETTING = re.compile(r"/run/systemd/system\.control/[^/]+\.d/50-Allowed(CPUs|MemoryNodes)\.conf")
#: `/system.slice/cpuset.cpus` below it.
_IN_A_SLICE = 2
#: Tasks, and units of guests, which have a new name each time.
_PASSING = ("task ", "/run/systemd/transient/machine-")
#: PF_WQ_WORKER of the kernel's include/linux/sched.h.
_IS_WORKER = 0x20


def host_values() -> dict[str, str]:
    """Texts by path; what cannot be read is there too, with the errno's name for a text."""
    found = {path: _text(path) for path in _paths()}
    for task in _tasks():
        with suppress(OSError):
            name, allowed, scheduling = _task(task)
            if name:
                found[f"task {name} {task}"] = allowed
                found[f"task {name} {task} scheduling"] = scheduling
    return found


def _task(task: int) -> tuple[str, str, str]:
    """Name, CPUs that it may use, and its policy with its priority (proc(5)). No name: it places itself."""
    with open(f"/proc/{task}/status") as file:
        lines = file.read().splitlines()
    with open(f"/proc/{task}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    name = lines[0].partition("\t")[2]
    # Workers come and go, and their rescuers go where work is; the thread of an interrupt follows it when it
    # fires.
    if int(fields[6]) & _IS_WORKER or name.startswith("irq/"):
        name = ""
    allowed = next(line for line in lines if line.startswith("Cpus_allowed_list"))
    return name, allowed.partition("\t")[2], f"{fields[38]} {fields[37]}"


def differences(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str, str]]:
    """What is not as it was, by path: text before, text now. Tasks and units of others that are gone or new
    do not count.
    """
    return {
        path: (before.get(path, "absent"), after.get(path, "absent"))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
        and (not _comes_and_goes(path) or (path in before and path in after))
    }


def _comes_and_goes(path: str) -> bool:
    depth = path.removeprefix(_CGROUPS).count("/") if path.startswith(_CGROUPS) else 0
    # Of what kvmrt makes its slices count, not what libvirt puts into them.
    is_ours = depth == _IN_A_SLICE and "kvmrt" in path
    return path.startswith(_PASSING) or (depth >= _IN_A_SLICE and not is_ours)


def without_cpusets(left: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """What systemd does not take back: once a unit was given CPUs or nodes, the cpuset controller stays on,
    and the unit has a list, of all of them then.
    """
    return {
        path: change for path, change in left.items() if not _is_unrestricted(path, change[1])
    }  # fmt: skip


def _is_unrestricted(path: str, now: str) -> bool:
    setting = _SETTING.fullmatch(path)
    if setting is not None:
        kind = "cpu" if setting[1] == "CPUs" else "node"
        return now.endswith(f"\nAllowed{setting[1]}={_text(f'/sys/devices/system/{kind}/online')}")
    if not path.startswith("/sys/fs/cgroup/"):
        return False
    if path.endswith("/cgroup.subtree_control"):
        return "cpuset" in now.split()
    return now in {
        "cpuset.cpus": ("", _text("/sys/devices/system/cpu/online")),
        "cpuset.cpus.effective": (_text("/sys/devices/system/cpu/online"),),
        "cpuset.cpus.partition": ("member",),
        "cpuset.mems": ("", _text("/sys/devices/system/node/online")),
        "cpuset.mems.effective": (_text("/sys/devices/system/node/online"),),
    }.get(path.rpartition("/")[2], ())


def _paths() -> Iterator[str]:
    for tree in _TREES:
        for folder, folders, names in os.walk(tree):
            folders[:] = [name for name in folders if name not in ("power", "cpufreq", "cpuidle")]
            for name in names:
                path = f"{folder}/{name}"
                if not any(word in path for word in _RESTLESS):
                    yield path
    for pattern in _FILES:
        yield from glob.glob(pattern)
    for folder, _, names in os.walk(_CGROUPS):
        for name in names:
            if name.startswith("cpuset") or name == "cgroup.subtree_control":
                yield f"{folder}/{name}"


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(65536).decode(errors="replace").rstrip("\n")
    except OSError as error:
        return f"[{error.strerror}]"


def _tasks() -> Iterator[int]:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            yield int(entry)

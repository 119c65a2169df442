# SPDX-License-Identifier: Apache-2.0
"""Every text of the host that kvmrt could change, read file by file and not by kvmrt's own parsers."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Read as a whole.
_TREES = ("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/devices/virtual/workqueue",
          "/proc/irq", "/proc/sys/kernel", "/proc/sys/vm", "/sys/module/kvm", "/sys/kernel/mm")  # fmt: skip
#: Counters, clocks and statistics, which change by themselves.
_RESTLESS = ("meminfo", "numastat", "vmstat", "spurious", "effective_affinity", "/random/", "free_",
             "ns_last_pid", "pty/nr", "/power/", "crash_notes", "/stat_refresh", "uevent", "nr_free",
             "/ksm/", "khugepaged", "/transparent_hugepage/", "numa_demotion", "/hugepages/",
             "/perf_event_max", "perf_cpu_time", "keys/", "sched_domain", "hotplug/state",
             "/cgroup.stat", "/pressure", "fs/dentry")  # fmt: skip


def host_values() -> dict[str, str]:
    """Texts by path; what cannot be read is there too, with the errno's name for a text."""
    found = {path: _text(path) for path in _paths()}
    rescuers = {name[:15] for name in os.listdir("/sys/devices/virtual/workqueue")}
    for task in _tasks():
        with suppress(OSError), open(f"/proc/{task}/status") as file:
            lines = file.read().splitlines()
            name = lines[0].partition("\t")[2]
            # Workers come and go; the thread of an interrupt follows it when it fires, the rescuer of a
            # workqueue (named like it) when it next has work.
            if not name.startswith(("kworker", "irq/")) and name not in rescuers:
                allowed = next(line for line in lines if line.startswith("Cpus_allowed_list"))
                found[f"task {name} {task}"] = allowed.partition("\t")[2]
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str, str]]:
    """What is not as it was, by path: text before, text now; tasks that are gone or new do not count."""
    return {
        path: (before.get(path, "absent"), after.get(path, "absent"))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
        and (not path.startswith("task ") or (path in before and path in after))
    }


def _paths() -> Iterator[str]:
    for tree in _TREES:
        for folder, folders, names in os.walk(tree):
            folders[:] = [name for name in folders if name not in ("power", "cpufreq", "cpuidle")]
            for name in names:
                path = f"{folder}/{name}"
                if not any(word in path for word in _RESTLESS):
                    yield path
    for folder in ("/sys/fs/cgroup", *(entry.path for entry in os.scandir("/sys/fs/cgroup"))):
        if os.path.isdir(folder):
            for name in sorted(os.listdir(folder)):
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

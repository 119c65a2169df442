# SPDX-License-Identifier: Apache-2.0
"""Single threads of a simulated host: what sched_setaffinity, sched_setscheduler and cgroups answer.

As measured on Linux 6.1: CPUs that the thread's cgroup does not have are left out, and when none is left the
answer is EINVAL, as for a thread that the kernel keeps on its CPU (PF_NO_SETAFFINITY); a thread that comes
into a cgroup may use all of that; one that has ended is ESRCH.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.domainxml.document import parse_domain
from kvmrt_plan.domainxml.live import read_pins
from kvmrt_plan.facts.guest_kthreads import parse_unified
from kvmrt_plan.facts.kthreads import parse_kthreads
from kvmrt_plan.facts.task import parse_task
from kvmrt_plan.facts.threads import qemu_folders
from kvmrt_plan.hosts.simulated.affinity import with_affinity
from kvmrt_plan.hosts.simulated.cpusets import allowed_in
from kvmrt_plan.hosts.simulated.evicted import slice_of
from kvmrt_plan.hosts.simulated.hotplug import Hotplug
from kvmrt_plan.hosts.simulated.refusal import refusal

if TYPE_CHECKING:
    from kvmrt_plan.facts.kthreads import KernelThread
    from kvmrt_plan.facts.task import Task
    from kvmrt_plan.hosts.simulated.texts import Texts
    from kvmrt_plan.values.cpuset import CpuSet

#: linux/sched.h.
_POLICIES = {"other": 0, "fifo": 1, "rr": 2, "batch": 3, "idle": 5}
#: rt_priority and policy in a stat, behind the name (proc_pid_stat(5)).
_SCHEDULING = re.compile(r"(\) (?:\S+ ){37})\d+ \d+")


class SimulatedThreads:
    """A `Threads` port over the texts of a snapshot."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._hotplug = Hotplug(texts)

    def kernel_thread(self, name: str) -> KernelThread | None:
        """By name."""
        return parse_kthreads(self._texts.snapshot()).get(name)

    def set_cpus(self, tid: int, cpus: CpuSet) -> None:
        """As sched_setaffinity(2)."""
        folder = self._folder(tid)
        allowed = cpus & self._allowed(folder)
        if not allowed or not self._task(folder).is_movable:
            raise refusal(folder, "EINVAL")
        self._move(folder, allowed)

    def set_scheduling(self, tid: int, policy: str, priority: int) -> None:
        """As sched_setscheduler(2)."""
        path = f"{self._folder(tid)}/stat"
        text, count = _SCHEDULING.subn(
            rf"\g<1>{priority} {_POLICIES[policy]}", self._texts.files[path]
        )
        if not count:
            raise refusal(path, "EINVAL")
        self._texts.change(files={path: text})

    def move(self, tid: int, cgroup: str) -> None:
        """Into another cgroup, by its file cgroup.threads or cgroup.procs."""
        folder = self._folder(tid)
        if not self._task(folder).is_movable:
            raise refusal(folder, "EINVAL")
        status = f"{folder}/status"
        # The root does not keep who comes off the CPUs of partitions.
        cpus = self._hotplug.online if cgroup == "/" else self._allowed(folder, cgroup)
        self._texts.change(
            files={
                f"{folder}/cgroup": f"0::{cgroup}\n",
                status: with_affinity(self._texts.files[status], cpus),
            }
        )

    def _task(self, folder: str) -> Task:
        return parse_task(0, self._texts.files[f"{folder}/stat"], affinity=None)

    def _move(self, folder: str, cpus: CpuSet) -> None:
        path = f"{folder}/status"
        self._texts.change(files={path: with_affinity(self._texts.files[path], cpus)})

    def _folder(self, tid: int) -> str:
        """Of a thread of the kernel, or of one of QEMU's."""
        own = f"/proc/{tid}"
        if f"{own}/stat" in self._texts.files:
            return own
        end = f"/task/{tid}/stat"
        found = next((path for path in self._texts.files if path.endswith(end)), None)
        if found is None:
            raise refusal(own, "ESRCH")
        return found.removesuffix("/stat")

    def _allowed(self, folder: str, cgroup: str | None = None) -> CpuSet:
        """What the thread's cgroup may use, or another one: that of a guest's emulator, a top-level slice, or
        the root.
        """
        if cgroup is None and "/task/" not in folder:
            cgroup = parse_unified(self._texts.files.get(f"{folder}/cgroup", ""))
        for uuid, process in qemu_folders(self._texts.snapshot()).items():
            home = parse_unified(self._texts.files.get(f"{process}/cgroup", ""))
            is_home = cgroup is not None and cgroup == home
            if is_home or (cgroup is None and folder.startswith(f"{process}/")):
                return self._emulator_cpus(uuid)
        unit = (cgroup or "/").split("/")[1] or None
        return allowed_in(self._texts.files, unit, self._hotplug.online)

    def _emulator_cpus(self, uuid: str) -> CpuSet:
        domain = self._texts.domains[uuid]
        allowed = allowed_in(self._texts.files, slice_of(domain), self._hotplug.online)
        pins = read_pins(parse_domain(domain.live_xml, domain=domain.name))
        return pins.get("emulatorpin", allowed) & allowed or allowed

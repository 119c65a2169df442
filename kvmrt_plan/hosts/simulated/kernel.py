# SPDX-License-Identifier: Apache-2.0
"""The kernel's side of a simulated host: what its files answer when they are written.

Errors as measured on Linux 6.1 PREEMPT_RT: an interrupt that is managed, the timer and the cascade
refuse any affinity with EIO; a mask without an online CPU is EINVAL; a CPU beyond the possible ones is
ERANGE in a list and EOVERFLOW in a mask; an empty workqueue mask is EINVAL. tests/contract tries each on
a real kernel too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.facts.irq import parse_irqs
from kvmrt_plan.facts.knobs import HOST_KNOBS, WATCHDOG
from kvmrt_plan.hosts.simulated.affinity import mask_like
from kvmrt_plan.hosts.simulated.hotplug import Hotplug
from kvmrt_plan.hosts.simulated.kvm_module import write_nx
from kvmrt_plan.hosts.simulated.legacy_cpusets import is_cpuset, write_cpus
from kvmrt_plan.hosts.simulated.memory import POOL, write_choice, write_pool
from kvmrt_plan.hosts.simulated.numbers import is_number_for
from kvmrt_plan.hosts.simulated.power import PREFERENCE, write_governor, write_preference
from kvmrt_plan.hosts.simulated.refusal import refusal
from kvmrt_plan.hosts.simulated.units import write_partition
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.hosts.simulated.texts import Texts

_IRQ = re.compile(r"/proc/irq/(\d+)/smp_affinity_list")
_ONLINE = re.compile(r"/sys/devices/system/cpu/cpu(\d+)/online")
_QUEUE = re.compile(r"/sys/class/net/[^/]+/queues/(?:rx-\d+/rps_cpus|tx-\d+/xps_cpus)")
_DEFAULT_AFFINITY = "/proc/irq/default_smp_affinity"
_MASK = re.compile(
    rf"/sys/devices/virtual/workqueue/(?:[^/]+/)?cpumask|{_DEFAULT_AFFINITY}|{_QUEUE.pattern}"
)
_SHIELD = re.compile(
    r"/proc/shield/(?:procs|irqs|ltmrs)|/sys/fs/cgroup/[^/]+/cpuset\.cpus\.partition"
)
_NUMBERS = frozenset(HOST_KNOBS.values())
_WATCHDOG = HOST_KNOBS[WATCHDOG]
_CPU_WORD = re.compile(
    r"/sys/devices/system/cpu/cpu\d+/(?:cpufreq/scaling_governor|power/pm_qos_resume_latency_us"
    r"|cpuidle/state\d+/disable)|/sys/kernel/debug/sched/fair_server/cpu\d+/runtime"
)

#: Files that take certain words.
_WORDS = {
    HOST_KNOBS["thp/enabled"]: write_choice,
    HOST_KNOBS["kvm/nx_huge_pages"]: write_nx,
}


class Kernel:
    """Answers writes to kernel files; changes the texts as the kernel would."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        # Which interrupts cannot be moved does not change while a host runs.
        irqs = parse_irqs(texts.snapshot())
        still = {n for n, one in irqs.items() if one.is_managed or not one.actions}
        self._hotplug = Hotplug(texts, still=still)
        self._fixed = {n for n, one in irqs.items() if one.is_managed or not one.is_movable}

    def write(self, path: str, text: str) -> None:
        """Write one file.

        Raises:
            WriteRefusedError: as the kernel refuses.
        """
        if path not in self._texts.files:
            raise refusal(path, "ENOENT")
        if matched := _IRQ.fullmatch(path):
            self._write_irq(path, int(matched[1]), text)
        elif matched := _ONLINE.fullmatch(path):
            self._write_online(path, int(matched[1]), text)
        elif _MASK.fullmatch(path):
            self._write_mask(path, text)
        elif POOL.fullmatch(path):
            write_pool(self._texts, path, text)
        elif path.endswith(PREFERENCE):
            write_preference(self._texts, path, text.strip())
        elif path in _WORDS:
            _WORDS[path](self._texts, path, text.strip())
        elif path in _NUMBERS or _CPU_WORD.fullmatch(path):
            self._write_word(path, text.strip())
        elif is_cpuset(path) or _SHIELD.fullmatch(path):
            self._write_shield(path, text.strip())
        else:
            raise refusal(path, "EACCES")

    def _write_shield(self, path: str, text: str) -> None:
        """RedHawk's lists, those of cgroup v1, or the word of a partition."""
        if is_cpuset(path):
            write_cpus(self._texts, path, text, self._hotplug.possible)
        elif path.startswith("/proc"):
            self._texts.change(files={path: f"{self._list(path, text)}\n"})
        elif not write_partition(self._texts, path, text, self._hotplug.online):
            raise refusal(path, "EINVAL")

    def _write_irq(self, path: str, number: int, text: str) -> None:
        if number in self._fixed:
            raise refusal(path, "EIO")
        cpus = self._list(path, text)
        online = cpus & self._hotplug.online
        if not online:
            raise refusal(path, "EINVAL")
        files: dict[str, str | None] = {path: f"{cpus}\n"}
        files.update(self._twins(number, cpus, online))
        self._texts.change(files=files)

    def _twins(self, number: int, cpus: CpuSet, online: CpuSet) -> dict[str, str]:
        """The same value in the interrupt's other files. The effective CPU stays if it may."""
        folder, files = f"/proc/irq/{number}", self._texts.files
        twins = {}
        if f"{folder}/smp_affinity" in files:
            mask = f"{folder}/smp_affinity"
            twins[mask] = mask_like(files[mask], cpus) + "\n"
        effective = f"{folder}/effective_affinity_list"
        if effective in files:
            now = CpuSet.parse_kernel(files[effective])
            if not now or not now <= online:
                twins[effective] = f"{online.first}\n"
        return twins

    def _write_online(self, path: str, cpu: int, text: str) -> None:
        if text.strip() not in ("0", "1"):
            raise refusal(path, "EINVAL")
        if text.strip() == "1":
            self._hotplug.bring_online(cpu)
        elif self._hotplug.online == CpuSet((cpu,)):
            raise refusal(path, "EBUSY")
        else:
            self._hotplug.take_offline(cpu)

    def _write_mask(self, path: str, text: str) -> None:
        try:
            cpus = CpuSet.parse_mask(text)
        except CpuListError:
            raise refusal(path, "EINVAL") from None
        if not cpus <= self._hotplug.possible:
            raise refusal(path, "EOVERFLOW")
        # Workqueues may be left with CPUs that are all offline, interrupts may not; queues with none.
        is_enough = cpus & self._hotplug.online if path == _DEFAULT_AFFINITY else cpus
        if not is_enough and not _QUEUE.fullmatch(path):
            raise refusal(path, "EINVAL")
        self._texts.change(files={path: mask_like(self._texts.files[path], cpus) + "\n"})

    def _write_word(self, path: str, word: str) -> None:
        """A number or a name; the watchdog's mask is a list. Anything else is EINVAL."""
        if path == _WATCHDOG:
            word = str(self._list(path, word))
        elif path.endswith("scaling_governor"):
            if not word.isidentifier():
                raise refusal(path, "EINVAL")
            write_governor(self._texts, path, word)
            return
        elif not is_number_for(path, word):
            raise refusal(path, "EINVAL")
        self._texts.change(files={path: f"{word}\n"})

    def _list(self, path: str, text: str) -> CpuSet:
        try:
            cpus = CpuSet.parse_kernel(text)
        except CpuListError:
            raise refusal(path, "EINVAL") from None
        if not cpus <= self._hotplug.possible:
            raise refusal(path, "ERANGE")
        return cpus

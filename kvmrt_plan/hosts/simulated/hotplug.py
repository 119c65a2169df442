# SPDX-License-Identifier: Apache-2.0
"""CPUs of a simulated host going offline and coming back.

As measured on Linux 6.1: an offline CPU loses its topology folder; it leaves the sibling lists of its
core and the list of its node; an interrupt whose last online CPU it was is opened to all that are left, but
one that nobody uses or that the kernel manages keeps its mask (kernel/irq/cpuhotplug.c, migrate_one_irq);
threads that were bound to it alone run on every online CPU. When it comes back its topology does too, but
neither the interrupts nor the threads; network_queues.py, pinned_threads.py and node_threads.py have the
exceptions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.hosts.simulated.affinity import with_affinity
from kvmrt_plan.hosts.simulated.legacy_cpusets import left_over
from kvmrt_plan.hosts.simulated.network_queues import spread_queues, spread_sending
from kvmrt_plan.hosts.simulated.node_threads import bound_to_nodes
from kvmrt_plan.hosts.simulated.pinned_threads import pinned_threads
from kvmrt_plan.hosts.simulated.units import effective_cpus
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from kvmrt_plan.hosts.simulated.texts import Texts

_CPUS = "/sys/devices/system/cpu"
_NODES = "/sys/devices/system/node"
_SIBLINGS = ("thread_siblings_list", "core_cpus_list")
_AFFINITY = re.compile(r"/proc/irq/(\d+)/smp_affinity_list")
_STATUS = re.compile(r"/proc/\d+/(?:task/\d+/)?status")
_ALLOWED = re.compile(r"^Cpus_allowed_list:\t(.*)$", re.MULTILINE)


class Hotplug:
    """Takes CPUs offline and brings them back."""

    def __init__(self, texts: Texts, *, still: Collection[int] = ()) -> None:
        self._texts = texts
        #: Interrupts whose masks never change by themselves.
        self._still = still

    @property
    def online(self) -> CpuSet:
        """CPUs that are online."""
        return self._list(f"{_CPUS}/online")

    @property
    def possible(self) -> CpuSet:
        """CPUs that the kernel has room for."""
        return self._list(f"{_CPUS}/possible") or self._list(f"{_CPUS}/present") or self.online

    def take_offline(self, cpu: int) -> None:
        """As `echo 0 > cpuN/online`."""
        if cpu not in self.online:
            return
        rest = self.online - CpuSet((cpu,))
        hidden = dict(self._topology(cpu))
        files: dict[str, str | None] = dict.fromkeys(hidden)
        for path, text in self._shared_lists(cpu):
            # That the CPU belongs there is all that is remembered; what else did may change meanwhile.
            hidden[path + f"#{cpu}"] = ""
            files[path] = f"{CpuSet.parse_kernel(text) - CpuSet((cpu,))}\n"
        files.update(self._state(cpu, rest, "0"))
        files.update(self._moved_interrupts(cpu, rest))
        files.update(spread_queues(self._texts.files, rest))
        files.update(spread_sending(self._texts.files, self._texts.links, rest))
        files.update(self._floating_threads(rest))
        files.update(pinned_threads(self._texts, self._after(files), self.online, rest))
        self._texts.change(files=files, dormant=dict(hidden))

    def bring_online(self, cpu: int) -> None:
        """As `echo 1 > cpuN/online`."""
        if cpu in self.online:
            return
        everyone = self.online | CpuSet((cpu,))
        files: dict[str, str | None] = {}
        dormant: dict[str, str | None] = {}
        for path, text in self._texts.dormant.items():
            shared, _, other = path.partition("#")
            if path.startswith(f"{_CPUS}/cpu{cpu}/") and not other:
                files[path] = self._own_list(path, text, everyone)
                dormant[path] = None
            elif other == str(cpu):
                dormant[path] = None
                present = self._texts.files.get(shared)
                if present is not None:
                    files[shared] = f"{CpuSet.parse_kernel(present) | CpuSet((cpu,))}\n"
        files.update(self._state(cpu, everyone, "1"))
        files.update(spread_queues(self._texts.files, everyone))
        files.update(spread_sending(self._texts.files, self._texts.links, everyone))
        files.update(pinned_threads(self._texts, self._after(files), self.online, everyone))
        files.update(bound_to_nodes(self._after(files)))
        self._texts.change(files=files, dormant=dormant)

    def _after(self, files: Mapping[str, str | None]) -> dict[str, str]:
        changed = {**self._texts.files, **files}
        return {path: text for path, text in changed.items() if text is not None}

    def _own_list(self, path: str, text: str, online: CpuSet) -> str:
        """Its own sibling list names those of its core that are online now."""
        if not path.endswith(_SIBLINGS):
            return text
        return f"{CpuSet.parse_kernel(text) & online}\n"

    def _state(self, cpu: int, online: CpuSet, digit: str) -> dict[str, str]:
        files = {f"{_CPUS}/online": f"{online}\n", f"{_CPUS}/cpu{cpu}/online": f"{digit}\n"}
        offline = f"{_CPUS}/offline"
        if offline in self._texts.files:
            files[offline] = f"{self.possible - online}\n"
        files.update(effective_cpus(self._texts, online))
        files.update(left_over(self._texts.files, online))
        return files

    def _topology(self, cpu: int) -> list[tuple[str, str]]:
        """What goes with the CPU: its place, and its frequency driver's files."""
        prefixes = (f"{_CPUS}/cpu{cpu}/topology/", f"{_CPUS}/cpu{cpu}/cpufreq/")
        return [
            (path, text) for path, text in self._texts.files.items() if path.startswith(prefixes)
        ]

    def _shared_lists(self, cpu: int) -> Iterator[tuple[str, str]]:
        """Lists of others that name the CPU: siblings' and the node's."""
        own = self._siblings(cpu)
        for other in own:
            for name in _SIBLINGS:
                path = f"{_CPUS}/cpu{other}/topology/{name}"
                if other != cpu and path in self._texts.files:
                    yield path, self._texts.files[path]
        for path, text in self._texts.files.items():
            is_node = path.startswith(f"{_NODES}/node") and path.endswith("/cpulist")
            if is_node and cpu in CpuSet.parse_kernel(text):
                yield path, text

    def _siblings(self, cpu: int) -> CpuSet:
        for name in _SIBLINGS:
            found = self._list(f"{_CPUS}/cpu{cpu}/topology/{name}")
            if found:
                return found
        return CpuSet()

    def _moved_interrupts(self, cpu: int, rest: CpuSet) -> Iterator[tuple[str, str]]:
        files = self._texts.files
        for path, text in list(files.items()):
            matched = _AFFINITY.fullmatch(path)
            if matched is None:
                continue
            effective = f"/proc/irq/{matched[1]}/effective_affinity_list"
            now = CpuSet.parse_kernel(text)
            if not now & rest and int(matched[1]) in self._still:
                continue
            if not now & rest:
                now = rest
                yield path, f"{now}\n"
            if cpu in self._list(effective):
                yield effective, f"{(now & rest).first}\n"

    def _floating_threads(self, rest: CpuSet) -> Iterator[tuple[str, str]]:
        for path, text in list(self._texts.files.items()):
            matched = _ALLOWED.search(text) if _STATUS.fullmatch(path) else None
            if matched and not CpuSet.parse_kernel(matched[1]) & rest:
                yield path, with_affinity(text, rest)

    def _list(self, path: str) -> CpuSet:
        return CpuSet.parse_kernel(self._texts.files.get(path, ""))

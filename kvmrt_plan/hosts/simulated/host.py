# SPDX-License-Identifier: Apache-2.0
"""The simulated host as a `Host` port, with a hook at every write for tests that fail or kill there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.irqbalance import SOCKET, parse_answer
from kvmrt_plan.facts.kernel_args import boot_files
from kvmrt_plan.hosts.owned_files import UNITS, wanted_link
from kvmrt_plan.hosts.simulated.affinity import mask_like
from kvmrt_plan.hosts.simulated.boot_tools import update_boot
from kvmrt_plan.hosts.simulated.domains import SimulatedDomains
from kvmrt_plan.hosts.simulated.hotplug import Hotplug
from kvmrt_plan.hosts.simulated.kernel import Kernel
from kvmrt_plan.hosts.simulated.legacy_cpusets import (
    make_cpuset,
    move_tasks,
    remove_cpuset,
    task_place,
)
from kvmrt_plan.hosts.simulated.memory_nodes import set_allowed_nodes
from kvmrt_plan.hosts.simulated.shield_service import restart_service
from kvmrt_plan.hosts.simulated.texts import Texts
from kvmrt_plan.hosts.simulated.threads import SimulatedThreads
from kvmrt_plan.hosts.simulated.units import make_slice, remove_slice, set_allowed_cpus
from kvmrt_plan.values.filevalue import FileValue, format_file, parse_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.values.cpuset import CpuSet


class SimulatedHost:
    """A host made of texts. `boundary` is called before and after each write, with the first path or
    the domain that it changes; what it raises before a write is that write's failure.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        log: Callable[[bytes], None] | None = None,
        boundary: Callable[[str], None] | None = None,
    ) -> None:
        self.texts = Texts(snapshot, log, boundary)
        self._kernel = Kernel(self.texts)
        self._domains = SimulatedDomains(self.texts)
        self._threads = SimulatedThreads(self.texts)

    @property
    def name(self) -> str:
        """As its snapshot is named."""
        return self.texts.name

    @property
    def domains(self) -> SimulatedDomains:
        """Its libvirt."""
        return self._domains

    @property
    def threads(self) -> SimulatedThreads:
        """Its threads."""
        return self._threads

    def capture(self) -> Snapshot:
        """Its present state."""
        return self.texts.snapshot()

    def read(self, path: str) -> str | None:
        """The text at the path."""
        return self.texts.files.get(path)

    def write(self, path: str, text: str) -> None:
        """As the kernel answers."""
        self._kernel.write(path, text)

    def exchange(self, path: str, choose: Callable[[str | None], str | None]) -> str | None:
        """Read, write what is chosen, read again."""
        text = choose(self.read(path))
        if text is not None:
            self.write(path, text)
        return self.read(path)

    def set_allowed_cpus(self, unit: str, cpus: CpuSet) -> None:
        """As systemd answers."""
        set_allowed_cpus(self.texts, unit, cpus, Hotplug(self.texts).online)

    def set_allowed_nodes(self, unit: str, nodes: CpuSet) -> None:
        """As systemd answers."""
        set_allowed_nodes(self.texts, unit, nodes, Hotplug(self.texts).online)

    def make_slice(self, unit: str, cpus: CpuSet) -> None:
        """As systemd answers."""
        make_slice(self.texts, unit, cpus, Hotplug(self.texts).online)

    def remove_slice(self, unit: str) -> None:
        """As the live host answers."""
        remove_slice(self.texts, unit, Hotplug(self.texts).online)

    def task_place(self) -> str | None:
        """By the snapshot's word."""
        return task_place(self.texts)

    def make_cpuset(self, cpus: CpuSet) -> None:
        """As the kernel answers."""
        make_cpuset(self.texts, cpus)

    def remove_cpuset(self) -> None:
        """As the kernel answers."""
        remove_cpuset(self.texts)

    def move_tasks(self, *, is_confined: bool) -> None:
        """As the kernel answers."""
        move_tasks(self.texts, is_confined=is_confined)

    def balancer_ban(self) -> CpuSet | None:
        """What irqbalance's answer says that was captured."""
        found = self._balancer()
        return parse_answer(found[1]) if found else None

    def set_balancer_ban(self, cpus: CpuSet) -> None:
        """As irqbalance answers afterwards. It takes any CPU, also those that are not there."""
        found = self._balancer()
        if found is None:
            raise WriteRefusedError("irqbalance", "no irqbalance listens", errno_name="ENOENT")
        path, text = found
        head, _, mask = text.partition("BANNED ")
        self.texts.change(files={path: f"{head}BANNED {mask_like(mask, cpus)}"})

    def _balancer(self) -> tuple[str, str] | None:
        head, tail = SOCKET.split("{}")
        return next(
            (
                (path, text)
                for path, text in self.texts.files.items()
                if path.startswith(head) and path.endswith(tail)
            ),
            None,
        )

    def read_file(self, path: str) -> str | None:
        """Files of a snapshot belong to root and may be read by all."""
        text = self.texts.files.get(path)
        if text is None:
            return None
        return format_file(FileValue(mode=0o644, uid=0, gid=0, content=text))

    def replace_file(self, path: str, value: str | None) -> None:
        """The content; a snapshot holds no modes."""
        content = None if value is None else parse_file(value).content
        self.texts.change(files={path: content})

    def boot_files(self) -> dict[str, str]:
        """Of the snapshot."""
        return boot_files(self.texts.files, self.texts.links)

    def update_boot(self, loader: str, *, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        """As the loader's tool does it."""
        update_boot(self.texts, loader, added=added, removed=removed)

    def restart_service(self, unit: str) -> None:
        """As RedHawk's service does what its file says."""
        restart_service(self.texts, self._kernel, unit)

    def is_enabled(self, unit: str) -> bool:
        """By the link."""
        return wanted_link(unit) in self.texts.links

    def set_enabled(self, unit: str, *, is_on: bool) -> None:
        """As `systemctl enable` makes or removes the link."""
        if is_on and f"{UNITS}/{unit}" not in self.texts.files:
            raise WriteRefusedError(unit, f"Failed to enable unit: Unit {unit} does not exist")
        self.texts.change(links={wanted_link(unit): f"{UNITS}/{unit}" if is_on else None})

# SPDX-License-Identifier: Apache-2.0
"""The simulated host as a `Host` port, with a hook at every write for tests that fail or kill there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.hosts.simulated.domains import SimulatedDomains
from kvmrt_plan.hosts.simulated.hotplug import Hotplug
from kvmrt_plan.hosts.simulated.kernel import Kernel
from kvmrt_plan.hosts.simulated.texts import Texts
from kvmrt_plan.hosts.simulated.units import set_allowed_cpus
from kvmrt_plan.hosts.state import no_boundary

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.values.cpuset import CpuSet


class SimulatedHost:
    """A host made of texts. `boundary` is called with a description before each write."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        log: Callable[[bytes], None] | None = None,
        boundary: Callable[[str], None] = no_boundary,
    ) -> None:
        self.texts = Texts(snapshot, self._logger(log, boundary))
        self._boundary = boundary
        self._kernel = Kernel(self.texts)
        self._domains = SimulatedDomains(self.texts)

    @property
    def name(self) -> str:
        """As its snapshot is named."""
        return self.texts.name

    @property
    def domains(self) -> SimulatedDomains:
        """Its libvirt."""
        return self._domains

    def capture(self) -> Snapshot:
        """Its present state."""
        return self.texts.snapshot()

    def read(self, path: str) -> str | None:
        """The text at the path."""
        return self.texts.files.get(path)

    def write(self, path: str, text: str) -> None:
        """As the kernel answers."""
        self._kernel.write(path, text)

    def set_allowed_cpus(self, unit: str, cpus: CpuSet) -> None:
        """As systemd answers."""
        set_allowed_cpus(self.texts, unit, cpus, Hotplug(self.texts).online)

    def _logger(
        self, log: Callable[[bytes], None] | None, boundary: Callable[[str], None]
    ) -> Callable[[bytes], None]:
        def write(line: bytes) -> None:
            boundary("host write")
            if log is not None:
                log(line)

        return write

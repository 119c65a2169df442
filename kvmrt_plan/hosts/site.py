# SPDX-License-Identifier: Apache-2.0
"""A host opened for changes, with the folders that belong to it and the lock.

This machine keeps its journal in /var/lib/kvmrt and what dies with the boot in /run/kvmrt; a simulated
host keeps both beside its snapshot.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kvmrt_plan.errors import HostError
from kvmrt_plan.facts.held import HELD_PATH
from kvmrt_plan.facts.recorded import RECORDED_PATH
from kvmrt_plan.hosts.lock import hold_lock
from kvmrt_plan.hosts.signals import heeded_signals
from kvmrt_plan.hosts.state import FolderStore, no_boundary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.hosts.simulated.storage import SnapshotFile
    from kvmrt_plan.ports import Domains, Host, Threads
    from kvmrt_plan.values.cpuset import CpuSet

STATE_FOLDER = "/var/lib/kvmrt"
VOLATILE_FOLDER = "/run/kvmrt"
_VOLATILE_FILES = {HELD_PATH: "held.json", RECORDED_PATH: "topology.json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Which host, and where its state is."""

    #: The snapshot of a simulated host; None: this machine.
    snapshot: str | None = None
    #: Where a simulated host's new state goes; None: into its snapshot.
    out: str | None = None
    uri: str | None = None
    #: Overrides both folders; None: the usual ones.
    state_folder: str | None = None

    @property
    def state_path(self) -> str:
        """Journal and history."""
        if self.state_folder is not None:
            return self.state_folder
        return f"{self.out or self.snapshot}.state" if self.snapshot else STATE_FOLDER

    @property
    def volatile_path(self) -> str:
        """Held values, siblings, the lock."""
        if self.state_folder is not None or self.snapshot:
            return f"{self.state_path}/run"
        return VOLATILE_FOLDER


class OpenHost:
    """A `Host` whose capture holds what kvmrt knows of it, wherever that is kept."""

    def __init__(self, host: Host, volatile: FolderStore) -> None:
        self._host = host
        self._volatile = volatile
        self.name = host.name
        self.domains: Domains = host.domains
        self.threads: Threads = host.threads
        self.read = host.read
        self.write = host.write
        self.exchange = host.exchange
        self.task_place = host.task_place
        self.remove_cpuset = host.remove_cpuset
        self.balancer_ban = host.balancer_ban
        self.set_balancer_ban = host.set_balancer_ban
        self.read_file = host.read_file
        self.replace_file = host.replace_file
        self.boot_files = host.boot_files
        self.update_boot = host.update_boot
        self.restart_service = host.restart_service
        self.is_enabled = host.is_enabled
        self.set_enabled = host.set_enabled

    def capture(self) -> Snapshot:
        """The host's texts, with the held values and the recorded siblings."""
        return with_state(self._host.capture(), self._volatile)

    def set_allowed_cpus(self, unit: str, cpus: CpuSet) -> None:
        """As the host does."""
        self._host.set_allowed_cpus(unit, cpus)

    def set_allowed_nodes(self, unit: str, nodes: CpuSet) -> None:
        """As the host does."""
        self._host.set_allowed_nodes(unit, nodes)

    def make_cpuset(self, cpus: CpuSet) -> None:
        """As the host does."""
        self._host.make_cpuset(cpus)

    def move_tasks(self, *, is_confined: bool) -> None:
        """As the host does."""
        self._host.move_tasks(is_confined=is_confined)

    def make_slice(self, unit: str, cpus: CpuSet) -> None:
        """As the host does."""
        self._host.make_slice(unit, cpus)

    def remove_slice(self, unit: str) -> None:
        """As the host does."""
        self._host.remove_slice(unit)


def with_state(snapshot: Snapshot, volatile: FolderStore) -> Snapshot:
    """The snapshot with the volatile files of the state folder in place of its own."""
    files = dict(snapshot.files)
    for path, name in _VOLATILE_FILES.items():
        content = volatile.read(name)
        if content is None:
            files.pop(path, None)
        else:
            files[path] = content.decode("utf-8", "surrogateescape")
    return replace(snapshot, files=files)


def simulated_with_state(snapshot: Snapshot, location: Location) -> Snapshot:
    """A simulated host with what kvmrt holds of it: what its snapshot brought from the machine it was taken
    of, until a run begins a state of its own.
    """
    state, volatile = FolderStore(location.state_path), FolderStore(location.volatile_path)
    return snapshot if _is_untouched(state, volatile) else with_state(snapshot, volatile)


def _is_untouched(state: FolderStore, volatile: FolderStore) -> bool:
    """Whether no run has changed the simulated host."""
    if any(volatile.read(name) is not None for name in _VOLATILE_FILES.values()):
        return False
    # Only here, because views of a snapshot do without the journal.
    from kvmrt_plan.apply.journal import CURRENT, HISTORY

    return state.read(CURRENT) is None and not state.names(HISTORY)


def _take_over(snapshot: Snapshot, volatile: FolderStore) -> None:
    """What the snapshot brought becomes the state that runs go on with."""
    for path, name in _VOLATILE_FILES.items():
        if path in snapshot.files:
            volatile.replace(name, snapshot.files[path].encode("utf-8", "surrogateescape"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSite:
    """What a run works with while it holds the lock."""

    host: OpenHost
    state: FolderStore
    volatile: FolderStore
    boot_id: str


def look_at(location: Location) -> Snapshot:
    """The host as it is now, without the lock and without changing anything.

    Raises:
        KvmrtError: the host cannot be read.
    """
    volatile = FolderStore(location.volatile_path, mode=0o755)
    if location.snapshot is not None:
        from kvmrt_plan.hosts.simulated.log import read_snapshot_file

        return simulated_with_state(read_snapshot_file(location.snapshot), location)
    from kvmrt_plan.hosts.live import LiveHost

    return with_state(LiveHost(uri=location.uri).capture(), volatile)


@contextmanager
def open_site(
    location: Location,
    *,
    purpose: str,
    lock_timeout_seconds: float = 0,
    boundary: Callable[[str], None] = no_boundary,
) -> Iterator[OpenSite]:
    """Lock the host and open it; a simulated one is written when the body ends. Signals that ask the run
    to end raise KeyboardInterrupt meanwhile.

    Raises:
        HostBusyError: another run holds the lock.
        KvmrtError: the host cannot be opened.
    """
    state = FolderStore(location.state_path, boundary=boundary)
    volatile = FolderStore(location.volatile_path, mode=0o755, boundary=boundary)
    lock = f"{location.volatile_path}/lock"
    if location.volatile_path.startswith(f"{location.state_path}/"):
        # Made by the lock it would be open to everybody.
        state.make()
    with (
        heeded_signals(),
        hold_lock(lock, timeout_seconds=lock_timeout_seconds, purpose=purpose),
    ):
        if location.snapshot is None:
            # The live host brings libvirt and subprocess, which a simulated one does without.
            from kvmrt_plan.hosts.live import LiveHost

            host = OpenHost(LiveHost(uri=location.uri), volatile)
            yield _site(host, state, volatile)
            return
        # Changing a host edits domain XML; whoever only looks at one does not load lxml.
        from kvmrt_plan.hosts.simulated.storage import SnapshotFile

        file = SnapshotFile(location.snapshot, out=location.out, boundary=boundary)
        try:
            if _is_untouched(state, volatile):
                _take_over(file.host.capture(), volatile)
            yield _site(OpenHost(file.host, volatile), state, volatile)
        finally:
            _close(file)


def _close(file: SnapshotFile) -> None:
    """Write the simulated host. What fails here has no part in how the run ended: its changes stand in the
    log, which counts for whoever opens the host next. So it is told, and the outcome stays.
    """
    try:
        file.close()
    except HostError as error:
        sys.stderr.write(
            f"kvmrt: {error.problem}; the host's changes stand in {file.log} and count: keep the two files "
            "together, make room, and run `kvmrt recover`\n"
        )


def _site(host: OpenHost, state: FolderStore, volatile: FolderStore) -> OpenSite:
    text = host.read("/proc/sys/kernel/random/boot_id") or ""
    return OpenSite(host=host, state=state, volatile=volatile, boot_id=text.strip())

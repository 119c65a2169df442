# SPDX-License-Identifier: Apache-2.0
"""A simulated host that lives in a snapshot file.

While it is changed, each change is one line in `FILE.writes`, appended with one write(2); when the run
ends, the file is written anew and the log removed. A run that is killed leaves the log, and whoever opens
the host next sees every change that was made, just as on a machine.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kvmrt_plan.errors import HostError
from kvmrt_plan.facts.document import dump_snapshot
from kvmrt_plan.hosts.files import write_document
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.hosts.simulated.log import LOG_SUFFIX, read_snapshot_file
from kvmrt_plan.hosts.state import no_boundary

if TYPE_CHECKING:
    from collections.abc import Callable


class SnapshotFile:
    """Opens a simulated host for changes; `close` writes the new state.

    Args:
        path: the snapshot file.
        out: where the new state goes instead; `path` then stays as it is.
        boundary: called before each write, for tests.
    """

    def __init__(
        self,
        path: str,
        *,
        out: str | None = None,
        boundary: Callable[[str], None] = no_boundary,
    ) -> None:
        self._target = out or path
        snapshot = read_snapshot_file(path)
        if out is not None:
            write_document(out, dump_snapshot(snapshot))
        self._is_changed = os.path.exists(self._target + LOG_SUFFIX)
        self._descriptor: int | None = None
        self.host = SimulatedHost(snapshot, log=self._append, boundary=boundary)

    def close(self) -> None:
        """Write the present state to the file, and remove the log."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._is_changed:
            write_document(self._target, dump_snapshot(self.host.capture()))
            os.unlink(self._target + LOG_SUFFIX)
            self._is_changed = False

    def _append(self, line: bytes) -> None:
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            try:
                self._descriptor = os.open(self._target + LOG_SUFFIX, flags, 0o600)
            except OSError as error:
                raise HostError(
                    f"{self._target}{LOG_SUFFIX}: {error.strerror}",
                    "name a file that may be written with --host-out",
                ) from error
            self._is_changed = True
        os.write(self._descriptor, line)

# SPDX-License-Identifier: Apache-2.0
"""A simulated host that lives in a snapshot file.

While it is changed, each change is one line in `FILE.writes`, appended with one write(2); when the run
ends, the file is written anew and the log removed. A run that is killed leaves the log, and whoever opens
the host next sees every change that was made, just as on a machine.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.document import dump_snapshot
from kvmrt_plan.hosts.files import write_document
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.hosts.simulated.log import LOG_SUFFIX, logged_lines, read_snapshot_file
from kvmrt_plan.hosts.state import no_boundary

if TYPE_CHECKING:
    from kvmrt_plan.ports import Boundary


class SnapshotFile:
    """Opens a simulated host for changes; `close` writes the new state.

    Args:
        path: the snapshot file.
        out: where the new state goes instead; `path` then stays as it is.
        boundary: called before and after each write, for tests.
    """

    def __init__(
        self, path: str, *, out: str | None = None, boundary: Boundary = no_boundary
    ) -> None:
        self._target = out or path
        #: Where the changes stand until the file is written.
        self.log = self._target + LOG_SUFFIX
        self._boundary = boundary
        snapshot = read_snapshot_file(path)
        if out is not None and not _is_same_file(path, out):
            # The log of an earlier run into the same file belongs to a host that ends here.
            _remove(self.log)
            write_document(out, dump_snapshot(snapshot), boundary=boundary)
        self._is_changed = os.path.exists(self.log)
        self._descriptor: int | None = None
        self.host = SimulatedHost(snapshot, log=self._append, boundary=boundary)

    def close(self) -> None:
        """Write the present state to the file, and remove the log."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._is_changed:
            text = dump_snapshot(self.host.capture())
            write_document(self._target, text, boundary=self._boundary)
            self._boundary("before unlink log")
            _remove(self.log)
            self._boundary("after unlink log")
            self._is_changed = False

    def _append(self, line: bytes) -> None:
        try:
            if self._descriptor is None:
                self._descriptor = _open_log(self.log)
                self._is_changed = True
            _append_whole(self._descriptor, line)
        except OSError as error:
            raise WriteRefusedError.of(self.log, error) from error


def _open_log(path: str) -> int:
    """For appending; what a killed run has left of a torn line would spoil the next one."""
    complete = sum(len(line) + 1 for line in logged_lines(path))
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    if os.fstat(descriptor).st_size > complete:
        os.ftruncate(descriptor, complete)
    return descriptor


def _append_whole(descriptor: int, line: bytes) -> None:
    end = os.lseek(descriptor, 0, os.SEEK_END)
    if os.write(descriptor, line) != len(line):
        os.ftruncate(descriptor, end)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _is_same_file(path: str, out: str) -> bool:
    return os.path.exists(out) and os.path.samefile(path, out)

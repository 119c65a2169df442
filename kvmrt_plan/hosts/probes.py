# SPDX-License-Identifier: Apache-2.0
"""Runs probes on this machine: a command, a connection, an echo request."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import time
from typing import TYPE_CHECKING

from kvmrt_plan.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.desired.model import Probe

#: Between two attempts to connect: a service may be moved to other CPUs just now.
_PAUSE_SECONDS = 0.2


class LocalProber:
    """A `Prober` on this machine. A probe takes no longer than its timeout."""

    def failure(self, probe: Probe) -> str:
        """Why the probe fails, "" when it passes."""
        if probe.tcp:
            return _connect(probe.tcp, probe.timeout)
        if probe.ping:
            seconds = str(probe.timeout)
            return _execute(("ping", "-n", "-q", "-c", "1", "-w", seconds, probe.ping), probe)
        return _execute(probe.command, probe)


def _execute(command: Sequence[str], probe: Probe) -> str:
    """Run a program, without a shell and in a process group of its own, so that what it started ends with
    it when the time is up.
    """
    try:
        process = subprocess.Popen(  # noqa: S603  what root may run is checked by require_trusted
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"{command[0]}: {reason}"
    with process:
        try:
            # ping keeps its own time, which ends with ours.
            status = process.wait(timeout=probe.timeout + (1 if probe.ping else 0))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return f"no answer in {probe.timeout} s"
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if status == 0:
        return ""
    if probe.ping:
        return f"no answer in {probe.timeout} s"
    return f"exit status {status}" if status > 0 else f"ended by signal {-status}"


def _connect(target: str, timeout_seconds: int) -> str:
    host, _, port = target.rpartition(":")
    deadline = time.monotonic() + timeout_seconds
    while True:
        left = max(deadline - time.monotonic(), 0.001)
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=left).close()
        except OSError as error:
            cause = error.strerror or str(error)
        else:
            return ""
        if time.monotonic() + _PAUSE_SECONDS >= deadline:
            return cause
        time.sleep(_PAUSE_SECONDS)


def require_trusted(path: str) -> None:
    """Root runs commands only from a file that nobody else can have written or put there.

    Raises:
        HostError: the file, or a folder above it, belongs to somebody else, or others may write to it.
    """
    for part in _parts(path):
        found = os.stat(part)
        # In a folder with the sticky bit only the owner of a file can replace it.
        is_open = found.st_mode & 0o022 and not (
            stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        )
        if found.st_uid != 0 or is_open:
            whose = "belongs to somebody else" if found.st_uid else "may be written by others"
            raise HostError(
                f"the probes of {path} are commands, which root would run, and {part} {whose}",
                f"chown root {part} and chmod go-w {part}, or use a file that only root can change",
            )


def _parts(path: str) -> Iterator[str]:
    """The file and every folder above it, on the way it is named and where links lead."""
    for start in dict.fromkeys((os.path.abspath(path), os.path.realpath(path))):
        part = start
        while True:
            yield part
            above = os.path.dirname(part)
            if above == part:
                break
            part = above

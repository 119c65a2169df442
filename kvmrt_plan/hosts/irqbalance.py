# SPDX-License-Identifier: Apache-2.0
"""The socket of a running irqbalance.

Seen with irqbalance 1.9: it answers `setup` at once, says nothing to `settings`, and takes over what it was
told at its next pass, which is at most its own interval (the number after SLEEP) away. It believes only a
client whose credentials it is handed and that is root (irqbalance.c, sock_handle).
"""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.irqbalance import SOCKET, parse_answer

if TYPE_CHECKING:
    from kvmrt_plan.values.cpuset import CpuSet

_FOLDER = os.path.dirname(SOCKET)
_NAME = re.compile(r"irqbalance([0-9]{1,10})\.sock")
_ANSWER_SECONDS = 5
#: Beyond its interval, for the pass itself.
_GRACE_SECONDS = 5
_PAUSE_SECONDS = 0.1
_LIMIT_BYTES = 1 << 20
_SLEEP = re.compile(r"SLEEP (\d{1,6})")


def read_answer(root: str = "") -> tuple[str, str] | None:
    """The socket's path and the answer to `setup`; None when no irqbalance answers."""
    path = _find(root)
    if path is None:
        return None
    try:
        return path, _ask(root + path, "setup")
    except OSError:
        return None


def write_ban(cpus: CpuSet, root: str = "") -> None:
    """Tell it to leave these CPUs alone (none: those that its settings name), and wait until it does.

    Raises:
        WriteRefusedError: none runs, it does not answer, or does not take the CPUs over.
    """
    path = _find(root)
    if path is None:
        raise WriteRefusedError(_FOLDER, "no irqbalance listens there", errno_name="ENOENT")
    try:
        before = _SLEEP.search(_ask(root + path, "setup"))
        _ask(root + path, f"settings cpus {cpus or 'NULL'}")
        limit = time.monotonic() + int(before[1] if before else 10) + _GRACE_SECONDS
        while parse_answer(_ask(root + path, "setup")) != cpus:
            if time.monotonic() > limit:
                raise WriteRefusedError(path, f"irqbalance does not leave {cpus or 'no CPU'} alone")
            time.sleep(_PAUSE_SECONDS)
    except OSError as error:
        raise WriteRefusedError(path, error.strerror or str(error)) from error


def _find(root: str) -> str | None:
    """The socket of a process that is there; a daemon that was killed leaves its socket behind."""
    try:
        names = sorted(os.listdir(root + _FOLDER))
    except OSError:
        return None
    for name in names:
        matched = _NAME.fullmatch(name)
        if matched and os.path.isdir(f"{root}/proc/{matched[1]}"):
            return f"{_FOLDER}/{name}"
    return None


def _ask(path: str, command: str) -> str:
    credentials = struct.pack("3i", os.getpid(), os.getuid(), os.getgid())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        connection.connect(path)
        connection.sendmsg(
            [command.encode()], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, credentials)]
        )
        content = b""
        while (part := connection.recv(65536)) and len(content) < _LIMIT_BYTES:
            content += part
    return content.decode("ascii", "replace")

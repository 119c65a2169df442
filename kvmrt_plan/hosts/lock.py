# SPDX-License-Identifier: Apache-2.0
"""One run at a time may change a host.

The lock is flock(2) on a file: the kernel frees it when its holder ends, however it ends, so there is
nothing to unlock by force. The file's text says who holds it, for people.

O_CLOEXEC keeps a child such as an editor from inheriting the lock and holding it on. Programs that write to
the host inherit it on purpose (`held_locks`): when a run is killed, its systemctl writes on, and who recovers
must not read before that has ended.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kvmrt_plan.errors import HostBusyError, HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

_POLL_SECONDS = 0.1
#: How long the last program of a run that was killed may hold the lock, before it is reported as held.
_LAST_WRITE_SECONDS = 30
_READINGS = 5
_SIGNATURE = re.compile(r"pid (\d+), ")
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


_held: list[int] = []


def held_locks() -> tuple[int, ...]:
    """Descriptors of the locks that this process holds: `pass_fds` of a program that writes to the host."""
    return tuple(_held)


@contextmanager
def hold_lock(path: str, *, timeout_seconds: float = 0, purpose: str = "") -> Iterator[None]:
    """Hold the lock for the body.

    Raises:
        HostBusyError: somebody else holds it, and still does after the timeout; or the last program of a
            run that was killed, which is waited for.
        HostError: the file cannot be made.
    """
    descriptor = _open(path)
    try:
        _acquire(descriptor, timeout_seconds)
        _sign(descriptor, purpose)
        _held.append(descriptor)
        yield
    finally:
        if descriptor in _held:
            _held.remove(descriptor)
        os.close(descriptor)


def _open(path: str) -> int:
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        # For root alone: whoever may open it may hold the lock, and keep everybody else waiting.
        return os.open(path, _FLAGS, 0o600)
    except OSError as error:
        raise HostError(
            f"{path}: {error.strerror}", "run as root, or name a folder with --state-dir"
        ) from error


def _acquire(descriptor: int, timeout_seconds: float) -> None:
    begin = time.monotonic()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise HostError(f"the lock cannot be taken: {error.strerror}", "") from error
        else:
            return
        holder = _holder(descriptor)
        patience = _LAST_WRITE_SECONDS if _has_ended(holder) else 0
        if time.monotonic() - begin >= max(timeout_seconds, patience):
            raise HostBusyError(holder)
        time.sleep(_POLL_SECONDS)


def _has_ended(holder: str) -> bool:
    """Whether the run that signed is no more, so that only a program of it can hold the lock."""
    matched = _SIGNATURE.match(holder)
    return matched is not None and not os.path.exists(f"/proc/{matched[1]}")


def _sign(descriptor: int, purpose: str) -> None:
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text = f"pid {os.getpid()}, {purpose}, since {since}".encode()
    # Cut last: whoever reads in between finds a name.
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))


def _holder(descriptor: int) -> str:
    for _ in range(_READINGS):
        text = os.pread(descriptor, 200, 0).decode(errors="replace")
        if text:
            return text
        # The first holder ever has the lock and not signed yet.
        time.sleep(_POLL_SECONDS)
    return "it has not said who it is"

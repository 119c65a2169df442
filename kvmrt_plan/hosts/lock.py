# SPDX-License-Identifier: Apache-2.0
"""One run at a time may change a host.

The lock is flock(2) on a file: the kernel frees it when its holder ends, however it ends, so there is
nothing to unlock by force. The file's text says who holds it, for people; nothing is decided by it.
O_CLOEXEC keeps a child (an editor, systemctl) from inheriting the lock and holding it on.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kvmrt_plan.errors import HostBusyError, HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

_POLL_SECONDS = 0.1
_READINGS = 5
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


@contextmanager
def hold_lock(path: str, *, timeout_seconds: float = 0, purpose: str = "") -> Iterator[None]:
    """Hold the lock for the body.

    Raises:
        HostBusyError: somebody else holds it, and still does after the timeout.
        HostError: the file cannot be made.
    """
    descriptor = _open(path)
    try:
        _acquire(descriptor, timeout_seconds)
        _sign(descriptor, purpose)
        yield
    finally:
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
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise HostError(f"the lock cannot be taken: {error.strerror}", "") from error
        else:
            return
        if time.monotonic() >= deadline:
            raise HostBusyError(_holder(descriptor))
        time.sleep(_POLL_SECONDS)


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

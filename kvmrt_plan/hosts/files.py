# SPDX-License-Identifier: Apache-2.0
"""Reads and writes the user's documents: configurations, snapshots, plans.

Only regular files are read, and none larger than its kind can be. A written document is there whole or
not at all: it is made beside its target, brought to the disk and renamed.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, NoReturn

from kvmrt_plan.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 1024 * 1024
_NEW_MODE = 0o644

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_REMEDIES = {
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EACCES: "give this user access to it, or run as one who has it",
    errno.EPERM: "give this user access to it, or run as one who has it",
    errno.ENOSPC: "make room on its file system",
    errno.EROFS: "name a file on a file system that is mounted for writing",
}


def read_document(path: str, *, limit_bytes: int) -> bytes:
    """The content of a regular file of at most `limit_bytes`.

    Raises:
        HostError: there is none, it is a directory, pipe or device, it is larger, or it may not be
            read.
    """
    try:
        # O_NONBLOCK: opening a pipe would otherwise wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        _refuse(path, "read", error)
    try:
        status = os.fstat(descriptor)
        _require_regular(path, status.st_mode)
        if status.st_size > limit_bytes:
            _refuse_size(path, limit_bytes)
        content = _read_all(descriptor, limit_bytes + 1)
    except OSError as error:
        _refuse(path, "read", error)
    finally:
        os.close(descriptor)
    if len(content) > limit_bytes:
        _refuse_size(path, limit_bytes)
    return content


def write_document(
    path: str, content: str | bytes, *, boundary: Callable[[str], None] = lambda _what: None
) -> None:
    """Replaces the file by one with this content, or makes it; the mode of an existing file is kept.

    A symbolic link stays, the file it leads to is replaced. Tests stop the process in `boundary`, which
    is called before and after each step.

    Raises:
        HostError: the target is no regular file, or the system refuses; the old content is still
            there.
    """
    try:
        target = os.path.realpath(path)
        mode = _mode_of(target)
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        _replace(target, raw, mode, boundary)
    except (OSError, ValueError) as error:
        _refuse(path, "written", error)


def _replace(
    target: str, content: bytes, mode: int | None, boundary: Callable[[str], None]
) -> None:
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name[:200]}.{os.urandom(6).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, _NEW_MODE)
    try:
        try:
            boundary(f"before write {name}")
            _write_all(descriptor, content)
            boundary(f"after write {name}")
            if mode is not None:
                os.fchmod(descriptor, mode)
            boundary(f"before fsync {name}")
            os.fsync(descriptor)
            boundary(f"after fsync {name}")
        finally:
            os.close(descriptor)
        boundary(f"before rename {name}")
        os.replace(temporary, target)
        boundary(f"after rename {name}")
    except BaseException:
        os.unlink(temporary)
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    # The new name is on the disk only when its folder is.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mode_of(target: str) -> int | None:
    try:
        status = os.stat(target)
    except FileNotFoundError:
        return None
    # Renaming over /dev/stdout would replace the device.
    _require_regular(target, status.st_mode)
    return stat.S_IMODE(status.st_mode)


def _read_all(descriptor: int, most: int) -> bytes:
    chunks = []
    while most > 0 and (chunk := os.read(descriptor, min(most, _CHUNK))):
        chunks.append(chunk)
        most -= len(chunk)
    return b"".join(chunks)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _require_regular(path: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((kind for is_kind, kind in _KINDS if is_kind(mode)), "no regular file")
        raise HostError(f"{path} is {kind}, a file was expected", "name a regular file")


def _refuse_size(path: str, limit_bytes: int) -> NoReturn:
    limit = f"{limit_bytes // 1024} KiB"
    raise HostError(
        f"{path} is larger than {limit}, which no file of this kind is", "check the path"
    )


def _refuse(path: str, done: str, error: Exception) -> NoReturn:
    number = error.errno if isinstance(error, OSError) else None
    reason = os.strerror(number) if number else str(error)
    remedy = _REMEDIES.get(number or 0, "check the path and its file system")
    raise HostError(f"{path} cannot be {done}: {reason}", remedy) from error

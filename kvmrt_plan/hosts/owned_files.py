# SPDX-License-Identifier: Apache-2.0
"""Configuration files that kvmrt installs, with mode and owner, and where systemd notes enabled units.

A file is written beside its target, brought to the disk and renamed: a reader sees the old one or the new
one. A symbolic link is never followed: the target is root's own configuration.
"""

from __future__ import annotations

import errno
import os
import stat

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.values.filevalue import FileValue, format_file, parse_file

UNITS = "/etc/systemd/system"
_LIMIT_BYTES = 1 << 20
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})


def wanted_link(unit: str) -> str:
    """The link by which a unit with `WantedBy=multi-user.target` is enabled."""
    return f"{UNITS}/multi-user.target.wants/{unit}"


def read_owned(path: str) -> str | None:
    """The file with mode and owner; None when there is none.

    Raises:
        WriteRefusedError: it is a link, no regular file, or may not be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise WriteRefusedError.of(path, error) from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise WriteRefusedError(path, "is no regular file")
        content = file.read(_LIMIT_BYTES).decode("utf-8", "surrogateescape")
    mode = stat.S_IMODE(found.st_mode)
    return format_file(FileValue(mode=mode, uid=found.st_uid, gid=found.st_gid, content=content))


def replace_owned(path: str, value: str | None) -> None:
    """Make the file be the one described, or be gone.

    Raises:
        WriteRefusedError: the system refuses; the old file is still there.
    """
    folder = os.path.dirname(path)
    try:
        if value is None:
            os.unlink(path)
        else:
            _replace(path, parse_file(value))
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise WriteRefusedError.of(path, error) from error


def _replace(path: str, value: FileValue) -> None:
    temporary = f"{path}.{os.urandom(6).hex()}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(value.content.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fchown(file.fileno(), value.uid, value.gid)
            os.fchmod(file.fileno(), value.mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise

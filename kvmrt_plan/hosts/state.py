# SPDX-License-Identifier: Apache-2.0
"""The folders that outlive a run: journal and history on disk, held values and the lock in /run.

Every file is opened relative to its folder's descriptor and never through a symbolic link: the folder
belongs to root, but a link planted before it was first made must not lead root's writes elsewhere.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from kvmrt_plan.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_WRITE = os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_CREAT
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY
_TEMPORARY = ".new"


def no_boundary(_what: str) -> None:
    """What stands at a boundary outside of tests: nothing."""


class FolderStore:
    """A `StateStore` in a folder of its own; the folder is made on the first write."""

    def __init__(
        self, path: str, *, mode: int = 0o700, boundary: Callable[[str], None] = no_boundary
    ) -> None:
        self.path = os.path.abspath(path)
        self._mode = mode
        self._boundary = boundary

    def read(self, name: str) -> bytes | None:
        """The whole file, None when there is none."""
        try:
            with self._opened(name) as folder:
                descriptor = os.open(folder.name, _READ, dir_fd=folder.descriptor)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._error(name, error) from error
        with os.fdopen(descriptor, "rb") as file:
            return file.read()

    def append(self, name: str, content: bytes) -> None:
        """Add to the file and sync it; when the file is new, its folder is synced too."""
        self._boundary(f"append {name}")
        try:
            with self._opened(name, create=True) as folder:
                is_new = not _exists(folder)
                flags = _WRITE | os.O_APPEND
                descriptor = os.open(folder.name, flags, 0o600, dir_fd=folder.descriptor)
                try:
                    _write_all(descriptor, content)
                    self._boundary(f"fsync {name}")
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                if is_new:
                    os.fsync(folder.descriptor)
        except OSError as error:
            raise self._error(name, error) from error

    def replace(self, name: str, content: bytes) -> None:
        """Write beside, sync, rename over: the old content or the new, never anything between."""
        self._boundary(f"write {name}")
        mode = 0o600 if self._mode == 0o700 else 0o644
        try:
            with self._opened(name, create=True) as folder:
                temporary = folder.name + _TEMPORARY
                flags = _WRITE | os.O_TRUNC
                descriptor = os.open(temporary, flags, mode, dir_fd=folder.descriptor)
                try:
                    _write_all(descriptor, content)
                    os.fchmod(descriptor, mode)
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                self._boundary(f"rename {name}")
                self._rename_in(folder, temporary)
        except OSError as error:
            raise self._error(name, error) from error

    def rename(self, name: str, new_name: str) -> None:
        """Move the file within the store, and sync both folders."""
        self._boundary(f"rename {name}")
        try:
            with self._opened(name) as old, self._opened(new_name, create=True) as new:
                os.rename(old.name, new.name, src_dir_fd=old.descriptor, dst_dir_fd=new.descriptor)
                os.fsync(new.descriptor)
                os.fsync(old.descriptor)
        except OSError as error:
            raise self._error(name, error) from error
        self._boundary(f"renamed {name}")

    def truncate(self, name: str, size: int) -> None:
        """Cut the file after `size` bytes."""
        try:
            with self._opened(name) as folder:
                descriptor = os.open(folder.name, _WRITE & ~os.O_CREAT, dir_fd=folder.descriptor)
            try:
                if os.fstat(descriptor).st_size != size:
                    self._boundary(f"truncate {name}")
                    os.ftruncate(descriptor, size)
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._error(name, error) from error

    def remove(self, name: str) -> None:
        """Delete the file, if it is there."""
        try:
            with self._opened(name) as folder:
                if _exists(folder):
                    self._boundary(f"unlink {name}")
                    os.unlink(folder.name, dir_fd=folder.descriptor)
                    os.fsync(folder.descriptor)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._error(name, error) from error

    def names(self, folder: str) -> tuple[str, ...]:
        """Sorted names in the folder, without leftovers of an interrupted `replace`."""
        try:
            with self._opened(f"{folder}/x") as opened:
                found = os.listdir(opened.descriptor)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._error(folder, error) from error
        return tuple(sorted(name for name in found if not name.endswith(_TEMPORARY)))

    def _rename_in(self, folder: _Folder, temporary: str) -> None:
        os.rename(
            temporary, folder.name, src_dir_fd=folder.descriptor, dst_dir_fd=folder.descriptor
        )
        os.fsync(folder.descriptor)

    def _opened(self, name: str, *, create: bool = False) -> _Folder:
        """The folder that holds the file, opened step by step without following a link."""
        *parents, last = name.split("/")
        if create:
            self._make(self.path)
        descriptor = os.open(self.path, _FOLDER)
        for parent in parents:
            try:
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(parent, self._mode, dir_fd=descriptor)
                deeper = os.open(parent, _FOLDER, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = deeper
        return _Folder(descriptor, last)

    def _make(self, path: str) -> None:
        """Make the folder and those above it; refuse one that others may write to."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with suppress(FileExistsError):
            os.mkdir(path, self._mode)
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode):
            raise OSError(errno.ENOTDIR, "is a link or no folder", path)
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise OSError(errno.EPERM, "belongs to somebody else, or others may write to it", path)

    def _error(self, name: str, error: OSError) -> HostError:
        reason = error.strerror or str(error)
        return HostError(
            f"{self.path}/{name}: {reason}",
            "run as root, or name a folder of your own with --state-dir",
        )


class _Folder:
    """An open folder and the name of the file in it that is meant."""

    def __init__(self, descriptor: int, name: str) -> None:
        self.descriptor = descriptor
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        os.close(self.descriptor)


def _exists(folder: _Folder) -> bool:
    try:
        os.stat(folder.name, dir_fd=folder.descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]

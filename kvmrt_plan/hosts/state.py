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
    """A `StateStore` in a folder of its own; the folder is made on the first write.

    `boundary` is called right before and right after each system call that changes a file or folder or
    brings it to the disk: `before fsync journal`, `after fsync journal`.
    """

    def __init__(
        self, path: str, *, mode: int = 0o700, boundary: Callable[[str], None] = no_boundary
    ) -> None:
        self.path = os.path.abspath(path)
        self._mode = mode
        self._file_mode = mode & 0o644 | 0o600
        self._boundary = boundary

    def make(self) -> None:
        """Make the folder, if it is not there.

        Raises:
            HostError: it cannot be made, or others may write to it.
        """
        try:
            self._make()
        except OSError as error:
            raise self._error("", error) from error

    def read(self, name: str) -> bytes | None:
        """The whole file, None when there is none."""
        try:
            with self._opened(name) as folder:
                descriptor = os.open(folder.name, _READ, dir_fd=folder.descriptor)
            with os.fdopen(descriptor, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._error(name, error) from error

    def append(self, name: str, content: bytes) -> None:
        """Add to the file and sync it; when the file is new, its folder is synced too."""
        try:
            with self._opened(name, create=True) as folder:
                is_new = not _exists(folder)
                self._write(folder, name, content, os.O_APPEND)
                if is_new:
                    self._sync(folder.descriptor, f"folder of {name}")
        except OSError as error:
            raise self._error(name, error) from error

    def replace(self, name: str, content: bytes) -> None:
        """Write beside, sync, rename over: the old content or the new, never anything between."""
        try:
            with self._opened(name, create=True) as folder:
                beside = _Folder(folder.descriptor, folder.name + _TEMPORARY)
                self._write(beside, name + _TEMPORARY, content, os.O_TRUNC)
                self._change(
                    f"rename {name}{_TEMPORARY}",
                    lambda: os.rename(
                        beside.name,
                        folder.name,
                        src_dir_fd=folder.descriptor,
                        dst_dir_fd=folder.descriptor,
                    ),
                )
                self._sync(folder.descriptor, f"folder of {name}")
        except OSError as error:
            raise self._error(name, error) from error

    def rename(self, name: str, new_name: str) -> None:
        """Move the file within the store, and sync both folders."""
        try:
            with self._opened(name) as old, self._opened(new_name, create=True) as new:
                self._change(
                    f"rename {name}",
                    lambda: os.rename(
                        old.name, new.name, src_dir_fd=old.descriptor, dst_dir_fd=new.descriptor
                    ),
                )
                self._sync(new.descriptor, f"folder of {new_name}")
                self._sync(old.descriptor, f"folder of {name}")
        except OSError as error:
            raise self._error(name, error) from error

    def truncate(self, name: str, size: int) -> None:
        """Cut the file after `size` bytes; one that is not longer, or not there, stays as it is."""
        try:
            with self._opened(name) as folder:
                descriptor = os.open(folder.name, _WRITE & ~os.O_CREAT, dir_fd=folder.descriptor)
            try:
                if os.fstat(descriptor).st_size > size:
                    self._change(f"truncate {name}", lambda: os.ftruncate(descriptor, size))
                    self._sync(descriptor, name)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._error(name, error) from error

    def remove(self, name: str) -> None:
        """Delete the file, if it is there."""
        try:
            with self._opened(name) as folder:
                if _exists(folder):
                    self._change(
                        f"unlink {name}",
                        lambda: os.unlink(folder.name, dir_fd=folder.descriptor),
                    )
                    self._sync(folder.descriptor, f"folder of {name}")
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

    def place_of(self, name: str) -> str:
        """Its path."""
        return f"{self.path}/{name}"

    def _change(self, what: str, call: Callable[[], object]) -> None:
        self._boundary(f"before {what}")
        call()
        self._boundary(f"after {what}")

    def _sync(self, descriptor: int, what: str) -> None:
        self._change(f"fsync {what}", lambda: os.fsync(descriptor))

    def _write(self, folder: _Folder, name: str, content: bytes, flags: int) -> None:
        """Open with the flags, write, sync."""
        descriptor = os.open(folder.name, _WRITE | flags, self._file_mode, dir_fd=folder.descriptor)
        try:
            self._change(f"write {name}", lambda: _write_all(descriptor, content))
            # The mode that was asked for is subject to the umask.
            os.fchmod(descriptor, self._file_mode)
            self._sync(descriptor, name)
        finally:
            os.close(descriptor)

    def _opened(self, name: str, *, create: bool = False) -> _Folder:
        """The folder that holds the file, opened step by step without following a link."""
        *parents, last = name.split("/")
        if create:
            self._make()
        descriptor = os.open(self.path, _FOLDER)
        for parent in parents:
            try:
                if create:
                    self._make_in(descriptor, parent)
                deeper = os.open(parent, _FOLDER, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = deeper
        return _Folder(descriptor, last)

    def _make(self) -> None:
        """Make the folder and those above it; refuse one that others may write to."""
        above, name = os.path.split(self.path)
        os.makedirs(above, exist_ok=True)
        descriptor = os.open(above, _FOLDER & ~os.O_NOFOLLOW)
        try:
            self._make_in(descriptor, name)
        finally:
            os.close(descriptor)
        found = os.lstat(self.path)
        if not stat.S_ISDIR(found.st_mode):
            raise OSError(errno.ENOTDIR, "is a link or no folder", self.path)
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise OSError(errno.EPERM, "belongs to somebody else, or others may write to it")

    def _make_in(self, above: int, name: str) -> None:
        if _exists(_Folder(above, name)):
            return
        with suppress(FileExistsError):
            self._change(f"mkdir {name}", lambda: os.mkdir(name, self._mode, dir_fd=above))
        # A synced file is only found again when the folders above it are on the disk, too.
        self._sync(above, f"folder of {name}")

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

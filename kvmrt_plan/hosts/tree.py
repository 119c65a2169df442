# SPDX-License-Identifier: Apache-2.0
"""Reads what patterns of paths name below a root: this machine, or a captured tree.

Needs no rights: what exists and may not be read is recorded as unreadable, and what vanishes while it
is read (a thread, an interrupt) is absent. Never leaves a tree: a symbolic link that leads out of it,
or to nothing, is recorded and not followed.
"""

from __future__ import annotations

import errno
import os
import stat

from kvmrt_plan.errors import HostError
from kvmrt_plan.facts.interrupt_counts import drop_counts
from kvmrt_plan.facts.texts import PartialTexts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Largest text: a cpulist of 8,192 CPUs has 5 KiB, a command line 4 KiB; more is no kernel text.
LIMIT_BYTES = 1024 * 1024
_INTERRUPTS = "/proc/interrupts"
#: The table of 8,192 CPUs and 4,096 interrupts has 370 MB in the kernel and 0.3 MB in a snapshot.
_INTERRUPTS_LIMIT_BYTES = 1024 * LIMIT_BYTES

#: Gone, or never there: ESRCH is what /proc gives for a process that ended, ENODEV and ENXIO what
#: sysfs gives for a device that left.
_ABSENT = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ESRCH, errno.ENODEV, errno.ENXIO, errno.ELOOP}
)


def check_root(root: str) -> None:
    """Raises HostError for a folder that holds neither sys nor proc."""
    if not any(os.path.isdir(f"{root}/{top}") for top in ("sys", "proc")):
        raise HostError(
            f"{root!r} has neither a folder sys nor a folder proc in it",
            "name the folder that holds the captured sys/ and proc/ of a host",
        )


def read_texts(root: str, patterns: Iterable[str], *, keeps_counts: bool = False) -> PartialTexts:
    """What the patterns name below the root.

    Raises:
        HostError: the root is no folder with sys or proc in it.
    """
    check_root(root)
    tree = Tree(root, keeps_counts=keeps_counts)
    tree.walk("", branch(patterns))
    return tree.texts()


class Branch:
    """Patterns as a tree of segments, so that every folder is listed once."""

    __slots__ = ("children", "is_entry", "is_file")

    def __init__(self) -> None:
        self.children: dict[str, Branch] = {}
        #: A pattern ends here, as a file's text or as the mere entry.
        self.is_file = False
        self.is_entry = False


def branch(patterns: Iterable[str]) -> Branch:
    """The patterns (see captured_paths.py) as a tree."""
    top = Branch()
    for pattern in patterns:
        here = top
        for segment in pattern.strip("/").split("/"):
            here = here.children.setdefault(segment, Branch())
        if pattern.endswith("/"):
            here.is_entry = True
        else:
            here.is_file = True
    return top


class Tree:
    """A root folder, and what has been read below it by absolute path within the root."""

    def __init__(self, root: str, *, keeps_counts: bool = False) -> None:
        self.files: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.unreadable: dict[str, str] = {}
        #: Whether /proc/interrupts keeps its columns of counts.
        self._keeps_counts = keeps_counts
        self._root = os.path.realpath(root).rstrip("/")
        self._folders: dict[str, str | None] = {}

    def texts(self) -> PartialTexts:
        """What has been read."""
        return PartialTexts(self.files, self.links, self.unreadable)

    def walk(self, folder: str, below: Branch) -> None:
        """Reads what the patterns name below the folder (`""`: the root)."""
        if any("*" in segment or "#" in segment for segment in below.children):
            self._walk_listed(folder, below)
        for segment, child in below.children.items():
            if "*" not in segment and "#" not in segment:
                self._visit(folder, segment, child)

    def scan(self, folder: str) -> list[os.DirEntry[str]]:
        """The folder's entries by name; none when it cannot be listed."""
        real = self._real_folder(folder)
        if real is None:
            return []
        try:
            with os.scandir(real) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._refused(folder, error)
            return []

    def read(self, path: str) -> bool:
        """Records the file's text; False when there is no such file."""
        text = self.text(path)
        if text is not None:
            self.files[path] = text
        return text is not None or path in self.unreadable

    def text(self, path: str) -> str | None:
        """The file's text, None when there is none or it may not be read (which is recorded)."""
        limit = _INTERRUPTS_LIMIT_BYTES if path == _INTERRUPTS else LIMIT_BYTES
        try:
            content = self._content(path, limit)
        except OSError as error:
            self._refused(path, error)
            return None
        text = content.decode("utf-8", "surrogateescape")
        if path == _INTERRUPTS and not self._keeps_counts:
            return drop_counts(text)
        return text

    def _walk_listed(self, folder: str, below: Branch) -> None:
        wild = [
            (segment, child)
            for segment, child in below.children.items()
            if "*" in segment or "#" in segment
        ]
        for entry in self.scan(folder):
            for segment, child in wild:
                if _matches(segment, entry.name):
                    self._visit(folder, entry.name, child, entry=entry)

    def _visit(
        self, folder: str, segment: str, below: Branch, *, entry: os.DirEntry[str] | None = None
    ) -> None:
        path = f"{folder}/{segment}"
        if below.is_entry:
            self._record_entry(path, entry)
        if below.is_file:
            # Any over `a|b|c` stops at the first that is there.
            any(self.read(f"{folder}/{name}") for name in segment.split("|"))
        if below.children and (entry is None or not entry.is_file(follow_symlinks=False)):
            self.walk(path, below)

    def _record_entry(self, path: str, entry: os.DirEntry[str] | None) -> None:
        real = self._root + path
        try:
            if entry is None:
                mode = os.lstat(real).st_mode
                is_link, is_folder = stat.S_ISLNK(mode), stat.S_ISDIR(mode)
            else:
                is_link, is_folder = entry.is_symlink(), entry.is_dir(follow_symlinks=False)
            if is_link:
                self.links[path] = os.readlink(real)
            elif is_folder:
                self.links[path] = ""
        except OSError as error:
            self._refused(path, error)

    def _real_folder(self, folder: str) -> str | None:
        """Where the folder lies on this machine; None when a link leads out of the root."""
        if folder not in self._folders:
            self._folders[folder] = self._resolve(folder)
        return self._folders[folder]

    def _resolve(self, path: str) -> str | None:
        if not self._root:
            return path or "/"
        real = os.path.realpath(self._root + path)
        return real if f"{real}/".startswith(f"{self._root}/") else None

    def _content(self, path: str, limit: int) -> bytes:
        folder, _, name = path.rpartition("/")
        real = self._real_folder(folder)
        if real is None:
            raise OSError(errno.ENOENT, "lies outside of the root", path)
        try:
            return _read_regular(f"{real}/{name}", limit, os.O_NOFOLLOW)
        except OSError as error:
            # The file itself is a link, as some distributions have in /etc.
            target = self._resolve(path) if error.errno == errno.ELOOP else None
            if target is None:
                raise
            return _read_regular(target, limit)

    def _refused(self, path: str, error: OSError) -> None:
        if error.errno not in _ABSENT:
            self.unreadable[path] = errno.errorcode.get(error.errno or 0, "EIO")


def _read_regular(real: str, limit: int, flags: int = 0) -> bytes:
    # O_NONBLOCK: a FIFO in a captured tree would otherwise wait for a writer.
    descriptor = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no regular file", real)
        content = b"".join(_chunks(descriptor, limit + 1))
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise OSError(errno.EFBIG, "too large for a kernel text", real)
    return content


def _chunks(descriptor: int, most: int) -> Iterator[bytes]:
    size = 4096 if most <= LIMIT_BYTES + 1 else LIMIT_BYTES
    left = most
    while left > 0:
        chunk = os.read(descriptor, min(size, left))
        if not chunk:
            return
        yield chunk
        left -= len(chunk)
        size = min(size * 4, LIMIT_BYTES)


def _matches(segment: str, name: str) -> bool:
    if "#" in segment:
        prefix = segment.removesuffix("#")
        return name.startswith(prefix) and is_number(name[len(prefix) :])
    prefix, _, suffix = segment.partition("*")
    return name.startswith(prefix) and name.endswith(suffix)


def is_number(name: str) -> bool:
    """Whether the name is a number, as those of processes are."""
    return name.isascii() and name.isdigit()

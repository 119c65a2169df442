# SPDX-License-Identifier: Apache-2.0
"""The lab's initramfs: a static busybox, the modules that reach the root file system, and `guest/init`.

Written as a cpio archive in the form that the kernel reads (Documentation/driver-api/early-userspace/).
"""

from __future__ import annotations

import gzip
import lzma
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from lab.kernel import LabMissingError, only_one

if TYPE_CHECKING:
    from lab.kernel import Kernel

GUEST = Path(__file__).resolve().parent / "guest"
#: Modules to insert, in this order, each after those that it needs.
_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "virtiofs", "overlay")
_APPLETS = ("sh", "mount", "mkdir", "insmod", "switch_root", "cat", "grep", "poweroff")


class Archive:
    """Collects entries of a cpio archive in the "newc" form."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._number = 0

    def folder(self, name: str) -> None:
        """An empty folder."""
        self._entry(name, stat.S_IFDIR | 0o755, b"")

    def file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """A regular file."""
        self._entry(name, stat.S_IFREG | mode, content)

    def link(self, name: str, target: str) -> None:
        """A symbolic link."""
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def packed(self) -> bytes:
        """The whole, compressed."""
        self._entry("TRAILER!!!", 0, b"")
        return gzip.compress(b"".join(self._parts), compresslevel=1, mtime=0)

    def _entry(self, name: str, mode: int, content: bytes) -> None:
        self._number += 1
        path = name.encode() + b"\0"
        fields = (self._number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
        self._parts += [_padded(head), _padded(content)]


def make_initramfs(kernel: Kernel) -> Path:
    """Where the initramfs of the kernel lies; made when it is missing or older than its parts."""
    target = kernel.folder / "initramfs"
    with only_one(kernel.folder / "initramfs.lock"):
        if not target.exists() or target.stat().st_mtime < (GUEST / "init").stat().st_mtime:
            work = target.with_suffix(".new")
            work.write_bytes(_packed(kernel))
            work.rename(target)
    return target


def _packed(kernel: Kernel) -> bytes:
    archive = Archive()
    for name in ("bin", "modules", "proc", "sys", "dev", "below", "above", "root"):
        archive.folder(name)
    archive.file("bin/busybox", _static_busybox().read_bytes(), 0o755)
    for applet in _APPLETS:
        archive.link(f"bin/{applet}", "busybox")
    order = _module_files(kernel)
    for path in order:
        # busybox's insmod takes plain modules only; Debian compresses them since version 13.
        content = path.read_bytes()
        is_compressed = path.suffix == ".xz"
        archive.file(f"modules/{path.stem if is_compressed else path.name}",
                     lzma.decompress(content) if is_compressed else content)  # fmt: skip
    names = [path.name.removesuffix(".xz") for path in order]
    archive.file("modules/order", "".join(f"{name}\n" for name in names).encode())
    archive.file("init", (GUEST / "init").read_bytes(), 0o755)
    return archive.packed()


def _static_busybox() -> Path:
    found = shutil.which("busybox")
    if found is None:
        raise LabMissingError("busybox (Debian's package busybox-static)")
    return Path(found)


def _module_files(kernel: Kernel) -> list[Path]:
    """The modules and all they need, what is needed first; those built in have no file."""
    folder = kernel.modules / kernel.version
    needed: dict[str, tuple[str, list[str]]] = {}
    for line in (folder / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        needed[_module_name(path)] = (path, others.split())
    order: list[str] = []
    for name in _MODULES:
        if name in needed:
            path, others = needed[name]
            # modules.dep lists what is needed in the order of removal.
            order += [one for one in (*reversed(others), path) if one not in order]
    return [folder / path for path in order]


def _module_name(path: str) -> str:
    return path.rpartition("/")[2].split(".")[0].replace("-", "_")


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % 4)

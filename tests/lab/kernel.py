# SPDX-License-Identifier: Apache-2.0
"""Kernels for the lab: Debian's image packages, unpacked into a cache folder and never installed.

A kernel is a folder with `image` and `lib/modules/VERSION` with its module index. The image is the ELF in
the package's compressed one where that can be unpacked: QEMU starts it by PVH four seconds sooner.
"""

from __future__ import annotations

import fcntl
import lzma
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: What --kernel takes, and the Debian package that always depends on the present image.
PACKAGES = {
    "rt": "linux-image-rt-amd64",
    "cloud": "linux-image-cloud-amd64",
    "generic": "linux-image-amd64",
    "newer": "linux-image-rt-amd64",
}
#: Kernels that come from the release's backports, whether this machine has them among its sources or not.
_BACKPORTS = frozenset({"newer"})
_XZ_MAGIC = b"\xfd7zXZ\x00"
_DOWNLOAD_SECONDS = 300


class LabError(Exception):
    """The lab itself failed, not what ran inside."""


class LabMissingError(LabError):
    """Something that the lab needs is not on this machine; tests skip and say so."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """An unpacked kernel."""

    version: str
    folder: Path

    @property
    def image(self) -> Path:
        """What QEMU boots."""
        return self.folder / "image"

    @property
    def modules(self) -> Path:
        """What is /lib/modules in the lab."""
        return self.folder / "lib" / "modules"

    def has_module(self, name: str) -> bool:
        """Whether the kernel has it as a module or built in."""
        index = self.modules / self.version
        texts = [(index / one).read_text() for one in ("modules.dep", "modules.builtin")]
        names = {line.split(":")[0].rpartition("/")[2].split(".")[0] for text in texts
                 for line in text.splitlines()}  # fmt: skip
        return name in names or name.replace("_", "-") in names


def cache_folder() -> Path:
    """$KVMRT_LAB_CACHE, else ~/.cache/kvmrt-lab."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("KVMRT_LAB_CACHE") or Path(base, "kvmrt-lab"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fetch_kernel(name: str) -> Kernel:
    """The kernel of that name, from the cache or as a package of the day.

    Raises:
        LabMissingError: there is neither a cached kernel nor a package to be had.
    """
    folder = cache_folder() / f"kernel-{name}"
    with only_one(cache_folder() / f"kernel-{name}.lock"):
        if not (folder / "image").exists():
            _make(PACKAGES[name], folder, _backports() if name in _BACKPORTS else [])
    versions = sorted(path.name for path in (folder / "lib" / "modules").iterdir())
    return Kernel(versions[-1], folder)


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Two labs that start at once prepare a thing once."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(package: str, folder: Path, options: list[str]) -> None:
    for tool in ("apt-get", "apt-cache", "dpkg-deb", "depmod"):
        if shutil.which(tool) is None:
            raise LabMissingError(f"{tool}, to unpack {package}")
    work = folder.with_name(folder.name + ".new")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    archive = download(_image_package(package, options), work, options)
    run_tool(["dpkg-deb", "-x", str(archive), str(work / "tree")])
    archive.unlink()
    tree = work / "tree"
    lib = tree / "lib" if (tree / "lib").exists() else tree / "usr" / "lib"
    lib.rename(work / "lib")
    compressed = next((tree / "boot").glob("vmlinuz-*"))
    version = compressed.name.removeprefix("vmlinuz-")
    image = compressed.read_bytes()
    (work / "image").write_bytes(_elf(image) or image)
    run_tool(["depmod", "-b", str(work), version])
    shutil.rmtree(tree)
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)


def _backports() -> list[str]:
    """Options that make apt look into the backports of this machine's release, and only there."""
    targets = run_tool(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)"]
    )
    names = Path("/etc/os-release").read_text().splitlines()
    codename = next(
        (line.partition("=")[2] for line in names if line.startswith("VERSION_CODENAME")), ""
    )
    uris = [
        line.split()[0] for line in targets.splitlines() if line.split()[1:] == [codename, "main"]
    ]
    if not uris:
        raise LabMissingError("a Debian release among apt's sources, for its backports")
    folder = cache_folder() / "backports"
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(f"deb {uris[0]} {codename}-backports main\n")
    options = [f"Dir::Etc::sourcelist={folder}/sources.list", "Dir::Etc::sourceparts=/dev/null",
               f"Dir::State::lists={folder}/lists", "Dir::Cache::pkgcache=",
               "Dir::Cache::srcpkgcache="]  # fmt: skip
    words = [word for option in options for word in ("-o", option)]
    run_tool(["apt-get", *words, "-q", "update"])
    return words


def _image_package(package: str, options: list[str]) -> str:
    """The versioned package behind the one that only depends on it."""
    for name in depends(package, options):
        if name.startswith("linux-image-"):
            return name
    raise LabMissingError(f"the package {package}; `apt-get update` may bring it")


def depends(package: str, options: Sequence[str] = ()) -> list[str]:
    """What a package depends on, by name, in its order.

    Raises:
        LabMissingError: apt knows no such package.
    """
    shown = run_tool(["apt-cache", *options, "depends", package])
    pairs = (line.strip().partition(": ") for line in shown.splitlines())
    return [name for relation, _, name in pairs if relation == "Depends"]


def download(package: str, folder: Path, options: Sequence[str] = ()) -> Path:
    """The package's archive, in the folder.

    Raises:
        LabMissingError: it is not to be had.
    """
    try:
        run_tool(["apt-get", *options, "-q", "download", package], cwd=folder)
    except LabError:
        # The list names a version that a later point release has replaced.
        run_tool(["apt-get", *options, "-q", "update"])
        run_tool(["apt-get", *options, "-q", "download", package], cwd=folder)
    return next(folder.glob(f"{package}_*.deb"))


def _elf(image: bytes) -> bytes:
    """The ELF image in a bzImage that was compressed with xz, nothing for one that was not."""
    start = image.find(_XZ_MAGIC)
    return lzma.LZMADecompressor().decompress(image[start:]) if start >= 0 else b""


def run_tool(command: list[str], *, cwd: Path | None = None) -> str:
    """What a program of this machine prints.

    Raises:
        LabMissingError: it is not there, or failed.
    """
    try:
        done = subprocess.run(
            command, cwd=cwd, check=True, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS
        )
    except subprocess.CalledProcessError as error:
        raise LabMissingError(f"{' '.join(command)}: {error.stderr.strip()}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabMissingError(f"{' '.join(command)}: {error}") from error
    return done.stdout

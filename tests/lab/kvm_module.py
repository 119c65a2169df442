# SPDX-License-Identifier: Apache-2.0
"""Builds `svm/has_svm.c` for a kernel of the lab, with Debian's headers: unpacked, not installed.

The result lies beside the kernel as `has_svm.ko` and is made anew when the source is newer.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lab.kernel import LabMissingError, depends, download, only_one

if TYPE_CHECKING:
    from lab.kernel import Kernel

SOURCE = Path(__file__).resolve().parent / "svm" / "has_svm.c"
_BUILD_SECONDS = 300


def make_kvm_module(kernel: Kernel) -> Path:
    """Where the module lies.

    Raises:
        LabMissingError: no headers for this kernel, or no compiler.
    """
    target = kernel.folder / "has_svm.ko"
    with only_one(kernel.folder / "has_svm.lock"):
        if not target.exists() or target.stat().st_mtime < SOURCE.stat().st_mtime:
            with tempfile.TemporaryDirectory(dir=kernel.folder, prefix="headers-") as folder:
                _build(_headers(kernel, Path(folder)), Path(folder) / "module").rename(target)
    return target


def _headers(kernel: Kernel, folder: Path) -> Path:
    """The folder that kbuild starts in."""
    package = f"linux-headers-{kernel.version}"
    needed = [
        one for one in depends(package) if one.startswith(("linux-headers-", "linux-kbuild-"))
    ]
    for name in (package, *needed):
        try:
            archive = download(name, folder)
        except LabMissingError as error:
            raise LabMissingError(
                f"{name}, for KVM inside; if Debian has a newer kernel by now remove {kernel.folder}"
            ) from error
        subprocess.run(["dpkg-deb", "-x", str(archive), str(folder / "tree")], check=True)
        archive.unlink()
    sources = folder / "tree" / "usr" / "src"
    start = sources / package
    # It includes the common part by the path that it would be installed at.
    makefile = start / "Makefile"
    makefile.write_text(makefile.read_text().replace("/usr/src/", f"{sources}/"))
    return start


def _build(headers: Path, work: Path) -> Path:
    for tool in ("gcc", "make"):
        if shutil.which(tool) is None:
            raise LabMissingError(f"{tool}, for the module that lets KVM start inside")
    work.mkdir()
    shutil.copy(SOURCE, work)
    (work / "Makefile").write_text(f"obj-m := {SOURCE.stem}.o\n")
    done = subprocess.run(
        ["make", "-s", "-C", str(headers), f"M={work}", "modules"],
        capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise LabMissingError(
            f"a module for KVM inside, which does not build:\n{done.stderr[-1500:]}"
        )
    return work / f"{SOURCE.stem}.ko"

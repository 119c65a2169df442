# SPDX-License-Identifier: Apache-2.0
"""Programs that only the lab may run: unpacked from Debian's packages into the cache, never installed.

irqbalance is one: installing it would start it on this machine, and it would move the interrupts of that.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from lab.kernel import cache_folder, download, only_one, run_tool

if TYPE_CHECKING:
    from pathlib import Path

#: Packages, and what of each is taken.
_PROGRAMS = {"irqbalance": "usr/sbin/irqbalance"}


def fetch_programs(folder: Path) -> None:
    """Put the programs into the folder; they need no libraries but those of libvirt and QEMU.

    Raises:
        LabMissingError: a package is not to be had.
    """
    folder.mkdir(exist_ok=True)
    for package, path in _PROGRAMS.items():
        kept = cache_folder() / "programs" / package
        with only_one(cache_folder() / f"{package}.lock"):
            if not kept.exists():
                _unpack(package, path, kept)
        shutil.copy2(kept, folder / package)


def _unpack(package: str, path: str, kept: Path) -> None:
    work = kept.parent / f"{package}.new"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    run_tool(["dpkg-deb", "-x", str(download(package, work, [])), str(work)])
    found = next(one for one in (work / path, work / path.removeprefix("usr/")) if one.exists())
    found.rename(kept)
    shutil.rmtree(work)

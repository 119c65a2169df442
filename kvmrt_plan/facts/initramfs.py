# SPDX-License-Identifier: Apache-2.0
"""Modules that the initramfs is told to load, by the settings of the tool that makes it.

What an initramfs holds would have to be unpacked to be seen; what it loads by itself stands in the settings:

    /etc/initramfs-tools/modules   vfio-pci ids=10de:1db4       initramfs-tools(7)
    /etc/dracut.conf.d/vfio.conf   force_drivers+=" vfio-pci "  dracut.conf(5)
    /etc/mkinitcpio.conf           MODULES=(vfio_pci)           mkinitcpio.conf(5)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kvmrt_plan.facts.snapshot import Snapshot

DEBIAN, DRACUT, ARCH = "update-initramfs", "dracut", "mkinitcpio"
_DROP_INS = "/etc/dracut.conf.d"
#: Compiled when there are such settings: each plan would pay for it.
_LINES = {
    DEBIAN: r"^\s*([^\s#]+)",
    DRACUT: r"""^\s*(?:(?:add|force)_)?drivers\+?=["']?([^"'#]*)""",
    ARCH: r"""^\s*MODULES\+?=[("']?([^)"'#]*)""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Initramfs:
    """The tool that makes it ("": none that is known is set up), and modules with their files."""

    tool: str = ""
    modules: Mapping[str, str] = field(default_factory=dict)


def parse_initramfs(snapshot: Snapshot) -> Initramfs:
    """By the settings that there are; names with `_`, as the kernel has them."""
    drop_ins = (f"{_DROP_INS}/{name}" for name in snapshot.entries(_DROP_INS))
    for tool, paths in (
        (DEBIAN, ("/etc/initramfs-tools/modules",)),
        (DRACUT, ("/etc/dracut.conf", *drop_ins)),
        (ARCH, ("/etc/mkinitcpio.conf",)),
    ):
        found = [path for path in paths if path in snapshot.files]
        if found:
            line = re.compile(_LINES[tool])
            return Initramfs(
                tool=tool,
                modules={
                    name: path
                    for path in reversed(found)
                    for name in _names(snapshot.files[path], line)
                },
            )
    return Initramfs()


def _names(text: str, line: re.Pattern[str]) -> Iterator[str]:
    for one in text.splitlines():
        matched = line.match(one)
        for word in matched[1].split() if matched else ():
            yield word.replace("-", "_")

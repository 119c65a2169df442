# SPDX-License-Identifier: Apache-2.0
"""Mounts of hugetlbfs, without which QEMU cannot have huge pages of their size.

Sample of /proc/mounts (the page size always stands among the options; fs/hugetlbfs/inode.c):

    hugetlbfs /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmrt_plan.facts.snapshot import Snapshot

MOUNTS = "/proc/mounts"
_UNITS = {"K": 1, "M": 1 << 10, "G": 1 << 20}


def parse_hugetlbfs(snapshot: Snapshot) -> frozenset[int] | None:
    """Page sizes in KiB that are mounted; None when the mounts are not known."""
    text = snapshot.files.get(MOUNTS)
    if text is None:
        return None
    found = (_size_kib(line.split()) for line in text.splitlines())
    return frozenset(size for size in found if size is not None)


def _size_kib(words: list[str]) -> int | None:
    if len(words) < 4 or words[2] != "hugetlbfs":
        return None
    for option in words[3].split(","):
        name, _, value = option.partition("=")
        if name == "pagesize" and value[:-1].isdecimal() and value[-1] in _UNITS:
            return int(value[:-1]) * _UNITS[value[-1]]
    return None

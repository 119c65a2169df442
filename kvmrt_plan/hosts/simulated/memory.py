# SPDX-License-Identifier: Apache-2.0
"""Huge pages of a simulated host.

A write to nr_hugepages succeeds with as many pages as the node's free memory gives, and pages in use stay
(Documentation/admin-guide/mm/hugetlbpage.rst; measured: 99999 asked for, 951 got).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.hosts.simulated.refusal import refusal

if TYPE_CHECKING:
    from kvmrt_plan.hosts.simulated.texts import Texts

POOL = re.compile(
    r"(/sys/devices/system/node/node\d+|/sys/kernel/mm)/hugepages/hugepages-(\d+)kB/nr_hugepages"
)
_FREE = re.compile(r"(MemFree:)(\s+\d+)( kB)")


def write_pool(texts: Texts, path: str, text: str) -> None:
    """As `echo N > nr_hugepages`."""
    matched = POOL.fullmatch(path)
    if matched is None or not text.strip().isdigit():
        raise refusal(path, "EINVAL")
    free_path = path.replace("/nr_hugepages", "/free_hugepages")
    size_kib, total = int(matched[2]), int(texts.files[path])
    free = int(texts.files.get(free_path, "0"))
    meminfo = f"{matched[1]}/meminfo" if "/node/" in path else "/proc/meminfo"
    memory = _FREE.search(texts.files.get(meminfo, ""))
    wanted = max(int(text), total - free)
    if memory is not None:
        wanted = min(wanted, total + int(memory[2]) // size_kib)
    grown = wanted - total
    if not grown:
        return
    files: dict[str, str | None] = {path: f"{wanted}\n", free_path: f"{free + grown}\n"}
    if memory is not None:
        left = int(memory[2]) - grown * size_kib
        # The kernel prints it right-aligned.
        shown = str(left).rjust(len(memory[2]))
        files[meminfo] = _FREE.sub(rf"\g<1>{shown}\g<3>", texts.files[meminfo])
    texts.change(files=files)


def write_choice(texts: Texts, path: str, word: str) -> None:
    """One of several words, the chosen one in brackets: transparent_hugepage/enabled."""
    words = texts.files[path].replace("[", "").replace("]", "").split()
    if word not in words:
        raise refusal(path, "EINVAL")
    shown = " ".join(f"[{one}]" if one == word else one for one in words)
    texts.change(files={path: f"{shown}\n"})

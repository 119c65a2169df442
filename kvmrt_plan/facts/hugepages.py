# SPDX-License-Identifier: Apache-2.0
"""Huge pages reserved per NUMA node and size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.facts.reading import parse_int, read_int

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.snapshot import Snapshot

_NODE_FOLDER = "/sys/devices/system/node"
_GLOBAL_FOLDER = "/sys/kernel/mm/hugepages"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class HugepagePool:
    """One size on one node; a host without NUMA has node None."""

    node: int | None
    size_kib: int
    total: int
    free: int


def nr_hugepages(node: int | None, size_kib: int) -> str:
    """The file with the pool's number of pages."""
    folder = _GLOBAL_FOLDER if node is None else f"{_NODE_FOLDER}/node{node}/hugepages"
    return f"{folder}/hugepages-{size_kib}kB/nr_hugepages"


def parse_hugepages(snapshot: Snapshot) -> tuple[HugepagePool, ...]:
    """All pools, by node and size; the global ones only where no node has any.

    Raises:
        FactError: a count is no number.
    """
    pools = [
        pool
        for node, folder in snapshot.numbered(_NODE_FOLDER, "node")
        for pool in _parse_folder(snapshot, f"{folder}/hugepages", node)
    ]
    return tuple(sorted(pools)) or tuple(sorted(_parse_folder(snapshot, _GLOBAL_FOLDER, None)))


def _parse_folder(snapshot: Snapshot, folder: str, node: int | None) -> Iterator[HugepagePool]:
    """Entries such as `hugepages-2048kB/nr_hugepages`."""
    for name in snapshot.entries(folder):
        size = name.removeprefix("hugepages-").removesuffix("kB")
        total = read_int(snapshot, f"{folder}/{name}/nr_hugepages")
        if total is None or f"hugepages-{size}kB" != name:
            continue
        yield HugepagePool(
            node=node,
            size_kib=parse_int(size, f"{folder}/{name}"),
            total=total,
            free=read_int(snapshot, f"{folder}/{name}/free_hugepages") or 0,
        )

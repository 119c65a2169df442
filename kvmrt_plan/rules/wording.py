# SPDX-License-Identifier: Apache-2.0
"""How findings name several things: `CPUs 4-7`, `NUMA nodes 0 and 1`, `12 GiB`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmrt_plan.values.cpuset import CpuSet

#: Names that a summary spells out; all of them stand in the detail.
_FEW = 3


def listed(items: Sequence[object]) -> str:
    """All items, joined as in a sentence.

    >>> listed(["rt1", "rt2", "web"])
    'rt1, rt2 and web'
    """
    words = [str(item) for item in items]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def few(items: Sequence[object]) -> str:
    """The first items, and how many more there are.

    >>> few(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    if len(items) <= _FEW + 1:
        return listed(items)
    return listed([*items[:_FEW], f"{len(items) - _FEW} more"])


def cpus_named(cpus: CpuSet) -> str:
    """`CPU 4` or `CPUs 4-7`."""
    return f"CPU {cpus}" if len(cpus) == 1 else f"CPUs {cpus}"


def nodes_named(nodes: CpuSet) -> str:
    """`NUMA node 0`, `NUMA nodes 0 and 1`."""
    return f"NUMA node {nodes}" if len(nodes) == 1 else f"NUMA nodes {listed(tuple(nodes))}"


def size(kib: int) -> str:
    """KiB in the unit a person would choose, one decimal.

    >>> size(1536 * 1024), size(512 * 1024)
    ('1.5 GiB', '512 MiB')
    """
    for unit, factor in (("TiB", 1 << 30), ("GiB", 1 << 20), ("MiB", 1 << 10)):
        if kib >= factor:
            return f"{kib / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{kib} KiB"


def plural(count: int, noun: str) -> str:
    """`1 vCPU`, `4 vCPUs`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

# SPDX-License-Identifier: Apache-2.0
"""Threads of the kernel that belong to a node of a simulated host, when a CPU comes.

With every CPU that comes the kernel binds kcompactd of each node to the online CPUs of it, wherever somebody,
or a partition, had put it (mm/compaction.c, kcompactd_cpu_online). When one goes it does nothing of the kind.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.hosts.simulated.affinity import with_affinity
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NODES = "/sys/devices/system/node"
_STAT = re.compile(r"(/proc/\d+)/stat")
_COMPACTS = re.compile(r"\d+ \(kcompactd(\d+)\) ")


def bound_to_nodes(after: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The status of each such thread, given the files after the CPU has come."""
    for path, text in after.items():
        place, thread = _STAT.fullmatch(path), _COMPACTS.match(text)
        if place is None or thread is None:
            continue
        status = f"{place[1]}/status"
        cpus = CpuSet.parse_kernel(after.get(f"{_NODES}/node{thread[1]}/cpulist", ""))
        if cpus and status in after:
            yield status, with_affinity(after[status], cpus)

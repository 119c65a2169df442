# SPDX-License-Identifier: Apache-2.0
"""CPUs and NUMA nodes of the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """One logical CPU. What the kernel does not say is None: an offline CPU has no topology folder."""

    id: int
    is_online: bool
    socket: int | None = None
    die: int | None = None
    core: int | None = None
    node: int | None = None
    #: Hardware threads of the same core that are online, itself included; itself alone when unknown.
    siblings: CpuSet
    #: Whether /sys/devices/system/cpu/cpuN/online exists, so that the CPU can be taken offline.
    is_hotpluggable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One NUMA node; a node may have no CPU, or no memory."""

    id: int
    cpus: CpuSet
    memory_kib: int | None = None
    free_kib: int | None = None
    #: Distance to each node by its id (local is 10), empty when the kernel does not say.
    distances: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTopology:
    """All CPUs that are present and all NUMA nodes, by ascending id."""

    cpus: Mapping[int, Cpu]
    nodes: Mapping[int, Node]
    present: CpuSet
    online: CpuSet
    #: Sibling sets recorded when all CPUs were online, by CPU; the kernel forgets those of offline CPUs.
    recorded_siblings: Mapping[int, CpuSet]

    @property
    def offline(self) -> CpuSet:
        """Present, but not online."""
        return self.present - self.online

    def siblings_of(self, cpu: int) -> CpuSet:
        """All hardware threads of the CPU's core that are known, itself included."""
        known = self.recorded_siblings.get(cpu, CpuSet((cpu,)))
        return known | self.cpus[cpu].siblings if cpu in self.cpus else known

    def nodes_of(self, cpus: CpuSet) -> CpuSet:
        """The NUMA nodes on which any of these CPUs lies."""
        return CpuSet(node.id for node in self.nodes.values() if node.cpus & cpus)

# SPDX-License-Identifier: Apache-2.0
"""Which NUMA nodes keep their memory for RT VMs.

A node does when all of its CPUs belong to RT VMs that hold policies and take their memory from it, as
KVM-RT's guide has it. Memory has to be left for the host: a node never is shielded whose memory is the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement, VmPlacement

#: Backends with units of systemd that can be confined. RedHawk's kernel shields memory by itself.
BACKENDS = frozenset({ShieldBackend.PARTITION, ShieldBackend.ALLOWED_CPUS})


class MemoryShield:
    """The nodes of one host, and what keeps others from being shielded."""

    def __init__(self, facts: HostFacts, placement: Placement) -> None:
        self._facts = facts
        self._holders = [one for one in placement.vms if one.holds_policies and one.owned]
        found = CpuSet(
            node for node in facts.cpus.nodes if self._cpus(node) and not self._why(node)
        )
        with_memory = CpuSet(node.id for node in facts.cpus.nodes.values() if node.memory_kib != 0)
        #: Nodes that would be, were their memory not all that the host has.
        self.last = EMPTY if with_memory - found else found
        #: Shielded nodes.
        self.nodes = found - self.last

    def owners(self, node: int) -> tuple[str, ...]:
        """Names of the RT VMs whose CPUs lie on the node."""
        return tuple(one.vm.name for one in self._of(node))

    def obstacle(self, placed: VmPlacement) -> str:
        """Why none of the VM's memory is shielded; "": some is."""
        if placed.nodes is None:
            return "its memory is not bound to nodes (numatune)"
        if placed.nodes & self.nodes:
            return ""
        if placed.nodes & self.last:
            return f"without node {placed.nodes & self.last} the host would have no memory left"
        reasons = [self._why(node) for node in placed.nodes if self._cpus(node)]
        return reasons[0] if reasons else "its nodes have no CPU"

    def _cpus(self, node: int) -> CpuSet:
        """Offline siblings, whose node the kernel no longer tells, belong to cores that are online."""
        return CpuSet(one.id for one in self._facts.cpus.cpus.values() if one.node == node)

    def _of(self, node: int) -> list[VmPlacement]:
        cpus = self._cpus(node)
        return [one for one in self._holders if one.owned & cpus]

    def _why(self, node: int) -> str:
        """Why the node cannot be shielded; "": it can."""
        left = self._cpus(node)
        for one in self._of(node):
            if one.nodes is None or node not in one.nodes:
                return f"{one.vm.name} has CPUs of node {node}, but not its memory there"
            left -= one.owned
        return f"CPUs {left} of node {node} belong to no RT VM that holds policies" if left else ""

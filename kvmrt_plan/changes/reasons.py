# SPDX-License-Identifier: Apache-2.0
"""Why the host's policies change: which RT VMs own the CPUs in question, and where that is written.

Thousands of interrupts share a handful of reasons, so a `CpuReasons` remembers those it has made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Reason, ReasonCode
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.facts.cpu import CpuTopology
    from kvmrt_plan.placement.model import Placement, VmPlacement


class CpuReasons:
    """Reasons by the CPUs that a setting must leave."""

    def __init__(self, placement: Placement, cpus: CpuTopology) -> None:
        self._cpus = cpus
        self._holders = tuple(one for one in placement.vms if one.holds_policies)
        self._isolated = placement.isolated
        self._made: dict[CpuSet, Reason] = {}

    def leaving(self, cpus: CpuSet) -> Reason:
        """Because VMs own some of these CPUs; all holders when none of them is named."""
        touched = cpus & self._isolated
        if touched not in self._made:
            owners = [one for one in self._holders if one.owned & touched] or list(self._holders)
            self._made[touched] = _owning(owners)
        return self._made[touched]

    def sibling(self, cpu: int) -> Reason:
        """Because the CPU shares its core with one that an RT VM uses."""
        owner = next(one for one in self._holders if cpu in one.offlined)
        return Reason(
            code=ReasonCode.SIBLING_OF_RT_CPU,
            text=f"it is the sibling of CPU {self._partner(owner, cpu)} of {owner.vm.name}",
            source=owner.vm.source_of("cpuset"),
        )

    def _partner(self, owner: VmPlacement, cpu: int) -> CpuSet:
        """The CPU of the same core that the VM uses."""
        return CpuSet(used for used in owner.used if cpu in self._cpus.siblings_of(used))


def _owning(found: list[VmPlacement]) -> Reason:
    # By CPU, so that the order of the VMs in the file does not show.
    owners = sorted(found, key=lambda one: (tuple(one.owned), one.vm.name))
    parts = [f"{one.vm.name} owns CPU{'s' * (len(one.owned) > 1)} {one.owned}" for one in owners]
    return Reason(
        code=ReasonCode.RT_VM_OWNS_CPUS,
        text=" and ".join(parts),
        source=owners[0].vm.source_of("cpuset") if owners else None,
    )

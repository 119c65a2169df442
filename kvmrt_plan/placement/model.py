# SPDX-License-Identifier: Apache-2.0
"""The result of placement: who does what on which logical CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmrt_plan.desired.model import VirtualMachine
    from kvmrt_plan.values.cpuset import CpuSet


@dataclass(frozen=True, slots=True, kw_only=True)
class VmPlacement:
    """One VM's share of the host. Empty sets mean: not bound."""

    vm: VirtualMachine
    #: Whether its host policies count: it is an RT VM that runs, starts by itself, or was named.
    holds_policies: bool
    #: CPUs its threads use: the cpuset; for an RT VM one logical CPU per core.
    used: CpuSet
    #: The CPU of every thread that is no vCPU; empty, as `vcpus`, when the pins are libvirt's own.
    emulator: CpuSet
    #: The CPUs of vCPU n at index n.
    vcpus: tuple[CpuSet, ...]
    #: All CPUs that belong to it: an RT VM owns every sibling of each CPU of its cpuset.
    owned: CpuSet
    #: Owned siblings that are taken offline; only CPUs that exist.
    offlined: CpuSet
    #: NUMA nodes of its memory; None: not restricted.
    nodes: CpuSet | None

    @property
    def is_bound(self) -> bool:
        """Whether its threads are pinned by its cpuset (and not unpinned, or pinned by libvirt)."""
        return bool(self.emulator)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """All VMs in the order of the configuration, and what is left to the host."""

    vms: tuple[VmPlacement, ...]
    #: CPUs for the host's own work: online or about to return, and owned by no RT VM that holds
    #: policies.
    housekeeping: CpuSet
    #: Union of what the RT VMs that hold policies own.
    isolated: CpuSet
    #: Siblings to take offline, over all VMs that hold policies.
    offlined: CpuSet

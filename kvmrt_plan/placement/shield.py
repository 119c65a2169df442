# SPDX-License-Identifier: Apache-2.0
"""Which task shield is used, and which VM's CPUs can be a partition of their own now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.domainxml.document import parse_domain, read_settings
from kvmrt_plan.facts.slices import GUESTS, MEMBER, CgroupMode, vm_slice
from kvmrt_plan.values.boot_tokens import key_of, split_tokens
from kvmrt_plan.values.cpuset import EMPTY, union

if TYPE_CHECKING:
    from uuid import UUID

    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement, VmPlacement
from kvmrt_plan.values.cpuset import CpuSet

#: Units that systemd confines, by AllowedCPUs=. Mounts have a cgroup too, for the moment in which they are
#: made, and it gets its cpuset files as soon as systemd switches the controller on for the first unit.
HOLDERS = (".slice", ".scope", ".service")
#: Backends with a slice for each RT VM, in which it runs after its next start.
OWN_SLICES = frozenset({ShieldBackend.PARTITION, ShieldBackend.ALLOWED_CPUS})


def shield_backend(wanted: ShieldBackend, facts: HostFacts) -> ShieldBackend:
    """The backend that is used: the one asked for, none where the host lacks it, or the strongest that the
    host has. Where partitions are asked for and the kernel has none, that too (a finding says so).
    """
    slices = facts.slices
    has_units = slices.mode is CgroupMode.UNIFIED and slices.has_systemd
    is_there = {
        ShieldBackend.REDHAWK: slices.shield is not None,
        ShieldBackend.PARTITION: slices.has_systemd and slices.has_partitions,
        ShieldBackend.ALLOWED_CPUS: has_units,
        ShieldBackend.CPUSET_V1: slices.mode is CgroupMode.LEGACY,
        ShieldBackend.STATIC: bool(boot_isolated(facts)),
    }
    if wanted is ShieldBackend.STATIC or is_there.get(wanted):
        return wanted
    if wanted not in (ShieldBackend.AUTO, ShieldBackend.PARTITION):
        return ShieldBackend.NONE
    return next((one for one, has in is_there.items() if has), ShieldBackend.NONE)


def boot_isolated(facts: HostFacts) -> CpuSet:
    """CPUs that the kernel isolated because a boot argument says so (isolcpus= in
    admin-guide/kernel-parameters); newer kernels count those of partitions as isolated, too.
    """
    names = {key_of(token) for token in split_tokens(facts.kernel.command_line)}
    return facts.kernel.isolated if "isolcpus" in names else EMPTY


def occupied_slices(facts: HostFacts) -> frozenset[str]:
    """Top-level slices that running guests name as their own."""
    found = (slice_of_guest(domain) for domain in facts.domains.values() if domain.is_running)
    return frozenset(one for one in found if one is not None)


def slice_of_guest(domain: Domain) -> str | None:
    """The top-level slice that the running guest's XML names; None: libvirt's own."""
    if "<partition>" not in domain.live_xml:
        return None
    settings = read_settings(parse_domain(domain.live_xml, domain=domain.name))
    path = settings.get("partition", "").removeprefix("/")
    return f"{path}.slice" if path and "/" not in path else None


def closed_to_guests(backend: ShieldBackend, facts: HostFacts, placement: Placement) -> CpuSet:
    """CPUs of RT VMs from which the backend keeps guests that are bound to nothing, whenever they start."""
    if backend is ShieldBackend.REDHAWK:
        return placement.isolated
    if backend not in OWN_SLICES:
        return EMPTY
    if backend is ShieldBackend.ALLOWED_CPUS and GUESTS not in facts.slices.by_name:
        return EMPTY
    obstacles = Obstacles(facts, placement, backend)
    holders = [one for one in placement.vms if one.holds_policies and one.owned]
    return union(one.owned for one in holders if not obstacles.of(one))


class Obstacles:
    """What stands in the way of slices of their own, and of partitions, on one host."""

    def __init__(self, facts: HostFacts, placement: Placement, backend: ShieldBackend) -> None:
        self._facts = facts
        self._has_partitions = backend is ShieldBackend.PARTITION
        self._units = facts.slices.by_name
        self.occupied = occupied_slices(facts)
        #: Guests whose threads no plan moves.
        bound_by_us = {one.vm.uuid for one in placement.vms if one.is_bound}
        self._foreign = [
            (domain.name, threads)
            for uuid, domain in facts.domains.items()
            if uuid not in bound_by_us and (threads := self._bound(uuid, domain))
        ]

    def of(self, placed: VmPlacement) -> str:
        """Why the VM's CPUs cannot be its slice's now, and a partition where the backend makes them;
        completes "no partition: ...". "": they can.
        """
        unit = vm_slice(placed.vm.uuid)
        domain = self._facts.domains.get(placed.vm.uuid)
        if domain is None or not domain.is_persistent:
            return "libvirt has no definition that could name a slice"
        if domain.is_running:
            present = self._units.get(unit)
            if unit not in self.occupied or present is None or present.allowed is None:
                return "the guest runs elsewhere until it restarts"
        if not placed.owned & self._facts.cpus.online:
            return "none of its CPUs is online"
        for name, cpus in self._foreign:
            if cpus & placed.owned:
                return f"threads of {name} are bound to CPUs {cpus & placed.owned}"
        return self._others(placed.owned, unit) if self._has_partitions else ""

    def _bound(self, uuid: UUID, domain: Domain) -> CpuSet:
        """CPUs to which somebody has bound threads of the guest; none of one in a slice of its own."""
        if vm_slice(uuid) in self.occupied:
            return EMPTY
        everywhere = self._facts.slices.open_to_guests(self._facts.cpus.online)
        affinities = {thread.affinity for thread in domain.threads}
        return union(one for one in affinities if not everywhere <= one)

    def _others(self, cpus: CpuSet, unit: str) -> str:
        """Which other top-level cgroup names one of the CPUs and cannot be narrowed."""
        for other in self._facts.slices.slices:
            shared = (other.allowed or EMPTY) & cpus
            if other.name == unit or not shared:
                continue
            if other.is_of_a_vm:
                if other.name in self.occupied:
                    return f"{other.name} has CPUs {shared}, and a guest runs in it"
            elif not other.name.endswith(HOLDERS):
                return f"the cgroup {other.name} has CPUs {shared}, and is no unit of systemd"
            elif other.partition not in ("", MEMBER):
                return f"{other.name} has CPUs {shared}, and is a partition of its own"
        return ""


def closed_to_kernel_threads(
    backend: ShieldBackend, facts: HostFacts, placement: Placement
) -> CpuSet:
    """CPUs of RT VMs off which the shield itself keeps unbound threads of the kernel: RedHawk's does, and so
    does each partition.
    """
    if backend not in (ShieldBackend.PARTITION, ShieldBackend.REDHAWK):
        return EMPTY
    return closed_to_guests(backend, facts, placement)

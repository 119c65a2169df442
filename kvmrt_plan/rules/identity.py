# SPDX-License-Identifier: Apache-2.0
"""Rules about what identifies a VM, and about what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.rules.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from kvmrt_plan.desired.model import VirtualMachine
    from kvmrt_plan.rules.subject import Subject


def names_are_unique(subject: Subject) -> Iterator[Finding]:
    """Libvirt refuses a second domain of the same name."""
    seen: dict[str, VirtualMachine] = {}
    for vm in subject.configuration.vms:
        first = seen.setdefault(vm.name, vm)
        if first is not vm:
            yield Finding(
                code="KR114",
                severity=Severity.ERROR,
                summary=f"{vm.name}: the name of two VMs, {first.uuid} and {vm.uuid}",
                detail=_first(first, "name"),
                remedy="give one of them another name",
                source=vm.source_of("name"),
                vm=vm.name,
            )


def uuids_are_unique(subject: Subject) -> Iterator[Finding]:
    """Two sections with one UUID describe the same VM."""
    seen: dict[UUID, VirtualMachine] = {}
    for vm in subject.configuration.vms:
        first = seen.setdefault(vm.uuid, vm)
        if first is not vm:
            yield Finding(
                code="KR115",
                severity=Severity.ERROR,
                summary=f"{vm.name}: has the UUID of {first.name}, {vm.uuid}",
                detail=_first(first, "uuid"),
                remedy="`virsh domuuid NAME` tells the UUID of each domain",
                source=vm.source_of("uuid"),
                vm=vm.name,
            )


def topology_multiplies(subject: Subject) -> Iterator[Finding]:
    """Libvirt refuses a topology whose product is not the number of vCPUs."""
    for vm in subject.configuration.vms:
        topology = vm.guest_topology
        if topology.product != vm.nr_vcpus:
            yield Finding(
                code="KR117",
                severity=Severity.ERROR,
                summary=f"{vm.name}: cpu_topology {topology} makes "
                f"{plural(topology.product, 'vCPU')}, but nr_vcpus is {vm.nr_vcpus}",
                detail=f"{topology.sockets} sockets x {topology.cores} cores x "
                f"{topology.threads} threads = {topology.product}",
                remedy=f"set nr_vcpus to {topology.product}, or cpu_topology to auto",
                source=vm.source_of("cpu_topology"),
                vm=vm.name,
            )


def _first(vm: VirtualMachine, attribute: str) -> str:
    source = vm.source_of(attribute)
    return f"the first stands at {source}" if source else ""


RULES = (names_are_unique, uuids_are_unique, topology_multiplies)

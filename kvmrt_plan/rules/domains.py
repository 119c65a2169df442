# SPDX-License-Identifier: Apache-2.0
"""Rules about the libvirt domains behind the VMs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.desired.model import VirtualMachine
    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject


def uuids_are_known(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A VM is libvirt's; kvmrt does not make VMs."""
    if facts.libvirt_problem:
        return
    by_name = {domain.name: domain for domain in facts.domains.values()}
    for vm in subject.configuration.vms:
        if vm.uuid in facts.domains:
            continue
        namesake = by_name.get(vm.name)
        yield Finding(
            code="KR116",
            severity=Severity.ERROR,
            summary=f"{vm.name}: libvirt has no domain with the UUID {vm.uuid}",
            detail=f"its domain named {vm.name} has the UUID {namesake.uuid}" if namesake else "",
            remedy="compare with `virsh list --all --uuid --name`, or take the domains over with "
            "`kvmrt import`",
            source=vm.source_of("uuid"),
            vm=vm.name,
        )


def domains_are_persistent(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A transient domain has no definition that could be changed."""
    for vm, domain in _known(subject, facts):
        if not domain.is_persistent:
            yield Finding(
                code="KR132",
                severity=Severity.ERROR,
                summary=f"{vm.name}: its libvirt domain is transient",
                detail="it has no definition that would outlive the running guest",
                remedy=f"make it persistent: `virsh dumpxml {domain.name} > FILE`, then "
                "`virsh define FILE`",
                source=vm.source_of(),
                vm=vm.name,
            )


def renames_are_possible(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Libvirt renames a domain that is off, to a name that is free."""
    by_name = {domain.name: domain for domain in facts.domains.values()}
    for vm, domain in _known(subject, facts):
        if domain.name == vm.name:
            continue
        holder = by_name.get(vm.name)
        if holder is not None:
            yield _taken(vm, domain, holder)
        elif domain.is_running:
            yield Finding(
                code="KR126",
                severity=Severity.WARNING,
                summary=f"{vm.name}: the domain {domain.name} is renamed once it is off",
                detail="libvirt does not rename a running guest",
                remedy="shut the guest down, then apply again",
                source=vm.source_of("name"),
                vm=vm.name,
            )


def _taken(vm: VirtualMachine, domain: Domain, holder: Domain) -> Finding:
    return Finding(
        code="KR127",
        severity=Severity.ERROR,
        summary=f"{vm.name}: {domain.name} cannot be renamed, another domain has that name",
        detail=f"it is {holder.uuid}",
        remedy="choose another name, or rename that domain first: "
        f"`virsh domrename {holder.name} NEW_NAME`",
        source=vm.source_of("name"),
        vm=vm.name,
    )


def libvirt_starts_no_vm_of_ours(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Libvirtd starts domains with its autostart before anyone has shielded their CPUs."""
    for vm, domain in _known(subject, facts):
        if not domain.has_autostart:
            continue
        if vm.rt:
            summary = "libvirt's autostart starts it before its CPUs are shielded"
        elif vm.autostart:
            summary = "both libvirt's autostart and kvmrt start it"
        else:
            summary = "libvirt's autostart starts it, though its autostart is off"
        yield Finding(
            code="KR121",
            severity=Severity.WARNING if vm.rt else Severity.ADVICE,
            summary=f"{vm.name}: {summary}",
            remedy=f"apply the plan where it switches that off, or run "
            f"`virsh autostart --disable {domain.name}`",
            source=vm.source_of("autostart"),
            vm=vm.name,
        )


def _known(subject: Subject, facts: HostFacts) -> Iterator[tuple[VirtualMachine, Domain]]:
    for vm in subject.configuration.vms:
        if vm.uuid in facts.domains:
            yield vm, facts.domains[vm.uuid]


HOST_RULES = (
    uuids_are_known, domains_are_persistent, renames_are_possible, libvirt_starts_no_vm_of_ours,
)  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""Rules about where threads may run: real-time vCPUs, CPUs without load balancing, guests without pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.model import Pinning
from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.domainxml.document import read_settings
from kvmrt_plan.placement.bias import is_pin, leaves_pins_alone
from kvmrt_plan.placement.shield import closed_to_guests, shield_backend
from kvmrt_plan.rules.confinement import allowed_cpus
from kvmrt_plan.rules.wording import cpus_named, listed
from kvmrt_plan.values.cpuset import CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import VmPlacement
    from kvmrt_plan.rules.subject import Subject


def realtime_vcpus_leave_the_emulator_alone(subject: Subject) -> Iterator[Finding]:
    """A spinning FIFO vCPU never lets the emulator thread run that it waits for: the guest hangs."""
    for one in subject.placement.vms:
        vm = one.vm
        shared = one.emulator & union(one.vcpus)
        if vm.vcpu_scheduler is None or not shared:
            continue
        yield Finding(
            code="KR118",
            severity=Severity.ERROR,
            summary=f"{vm.name}: vCPUs with policy {vm.vcpu_scheduler.policy} share "
            f"{cpus_named(shared)} with their emulator thread",
            detail="a vCPU that waits for its emulator in a loop keeps it from running, for ever",
            remedy="give cpuset a further CPU of another core, or remove vcpu_scheduler",
            source=vm.source_of("vcpu_scheduler"),
            vm=vm.name,
        )


def emulators_leave_vcpus_alone(subject: Subject) -> Iterator[Finding]:
    """The emulator and iothreads go before every thread of a lower real-time priority on their CPU."""
    vcpus: dict[int, list[VmPlacement]] = {}
    for one in subject.placement.vms:
        for cpu in union(one.vcpus):
            vcpus.setdefault(cpu, []).append(one)
    for one in subject.placement.vms:
        for attribute in ("emulator_scheduler", "iothread_scheduler"):
            scheduler = getattr(one.vm, attribute)
            if scheduler is None:
                continue
            others = [other for cpu in one.emulator for other in vcpus.get(cpu, ())]
            behind = [other for other in others if _vcpu_priority(other) <= scheduler.priority]
            yield from (_goes_first(one, attribute, other) for other in behind)


def _vcpu_priority(one: VmPlacement) -> int:
    """0 is below every real-time thread."""
    return one.vm.vcpu_scheduler.priority if one.vm.vcpu_scheduler else 0


def _goes_first(one: VmPlacement, attribute: str, other: VmPlacement) -> Finding:
    whose = "its" if other is one else f"{other.vm.name}'s"
    priority = _vcpu_priority(other)
    return Finding(
        code="KR135",
        severity=Severity.WARNING,
        summary=f"{one.vm.name}: {attribute} {getattr(one.vm, attribute)} goes before {whose} vCPUs on "
        f"{cpus_named(one.emulator)}",
        detail=f"they have {f'priority {priority}' if priority else 'no real-time priority'}, and get "
        "what the thread leaves",
        remedy="give cpuset a further CPU of another core"
        + (
            f", or the vCPUs a priority above {getattr(one.vm, attribute).priority}"
            if priority
            else ""
        )
        + f", or remove {attribute}",
        source=one.vm.source_of(attribute),
        vm=one.vm.name,
    )


def schedulers_have_iothreads(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Where there is no iothread, the attribute does nothing."""
    for one in subject.placement.vms:
        vm, domain = one.vm, facts.domains.get(one.vm.uuid)
        if vm.iothread_scheduler is None or domain is None or not domain.xml:
            continue
        present = read_settings(subject.definition(domain)).get("iothreads", "0")
        if not (int(present) if vm.iothreads is None else vm.iothreads):
            yield Finding(
                code="KR145",
                severity=Severity.WARNING,
                summary=f"{vm.name}: iothread_scheduler is set, but it has no iothread",
                remedy="set iothreads, or remove iothread_scheduler",
                source=vm.source_of("iothread_scheduler"),
                vm=vm.name,
            )


def isolated_cpus_are_pinned_one_by_one(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """The scheduler does not balance load between CPUs of isolcpus=."""
    isolated = facts.kernel.isolated
    for one in subject.placement.vms:
        vm = one.vm
        stuck = [index for index, cpus in enumerate(one.vcpus) if len(cpus & isolated) > 1]
        if stuck:
            reached = cpus_named(union(one.vcpus[index] for index in stuck) & isolated)
            yield Finding(
                code="KR119",
                severity=Severity.WARNING,
                summary=f"{vm.name}: vCPUs {CpuSet(stuck)} may use several of {reached}, "
                "between which the kernel does not balance load (isolcpus=)",
                detail="each of them stays on the CPU on which it was started",
                remedy=f"give cpuset {vm.nr_vcpus + 1} CPUs, one per vCPU and one for the emulator",
                source=vm.source_of("cpuset"),
                vm=vm.name,
            )


def unpinned_guests_stay_off(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Libvirt lets a guest without pins run on all online CPUs, whatever its own affinity is."""
    for one in subject.placement.vms:
        vm = one.vm
        if vm.rt or (vm.pinning is Pinning.AUTO and vm.cpuset):
            continue
        domain = facts.domains.get(vm.uuid)
        if vm.autostart or (domain is not None and domain.is_running):
            yield from _roams(subject, facts, domain=domain, one=one)
    configured = {vm.uuid for vm in subject.configuration.vms}
    for uuid, domain in facts.domains.items():
        if uuid not in configured and (domain.is_running or domain.has_autostart):
            yield from _roams(subject, facts, domain=domain, one=None)


def _roams(
    subject: Subject, facts: HostFacts, *, domain: Domain | None, one: VmPlacement | None
) -> Iterator[Finding]:
    """What a guest that kvmrt does not pin may use of the RT VMs' CPUs and of isolated ones."""
    reached = _reached(subject, facts, domain=domain, one=one)
    if facts.cpus.online <= reached:
        backend = shield_backend(subject.configuration.host.shield, facts)
        reached -= closed_to_guests(backend, facts, subject.placement)
    name = one.vm.name if one else domain.name if domain else ""
    whose = "" if one else " (not in the configuration)"
    source = one.vm.source_of("cpuset") if one else None
    owned = reached & subject.placement.isolated
    if owned:
        yield Finding(
            code="KR125",
            severity=Severity.WARNING,
            summary=f"{name}{whose}: may run on {cpus_named(owned)} of RT VMs",
            detail="libvirt lets a guest without pins run on all CPUs of the host",
            remedy=f"give it a cpuset within {subject.placement.housekeeping}"
            if one
            else "take it over with `kvmrt import` and give it a cpuset, or pin it in libvirt",
            source=source,
            vm=name,
        )
    unbalanced = (reached & facts.kernel.isolated) - owned
    if unbalanced:
        yield Finding(
            code="KR119",
            severity=Severity.WARNING,
            summary=f"{name}{whose}: is not pinned and may run on {cpus_named(unbalanced)}, "
            "between which the kernel does not balance load (isolcpus=)",
            remedy="give it a cpuset, or remove these CPUs from isolcpus=",
            source=source,
            vm=name,
        )


def _reached(
    subject: Subject, facts: HostFacts, *, domain: Domain | None, one: VmPlacement | None
) -> CpuSet:
    """The CPUs of a guest: all that are online, unless its XML keeps pins that kvmrt leaves alone."""
    online = facts.cpus.online
    if domain is None or not (domain.xml or domain.live_xml):
        return online
    root = subject.definition(domain)
    if one is not None and not leaves_pins_alone(one.vm, read_settings(root)):
        return online
    return allowed_cpus(root, online) & online


def foreign_pins_are_known(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Pins that no cpuset can say stay; whoever left cpuset empty to have none should know."""
    for one in subject.placement.vms:
        vm = one.vm
        domain = facts.domains.get(vm.uuid)
        if domain is None or not domain.xml or vm.cpuset or vm.pinning is Pinning.LIBVIRT:
            continue
        settings = read_settings(subject.definition(domain))
        if leaves_pins_alone(vm, settings):
            named = sorted(key for key in settings if is_pin(key) or key == "vcpu-cpuset")
            yield Finding(
                code="KR137",
                severity=Severity.ADVICE,
                summary=f"{vm.name}: has pins in libvirt that no cpuset can say; they stay",
                detail=f"they are {listed(named)}",
                remedy=f"give it a cpuset, remove them with `virsh edit {domain.name}`, or set "
                "pinning to libvirt (YAML)",
                source=vm.source_of("cpuset"),
                vm=vm.name,
            )


RULES = (realtime_vcpus_leave_the_emulator_alone, emulators_leave_vcpus_alone)
HOST_RULES = (
    schedulers_have_iothreads, isolated_cpus_are_pinned_one_by_one, unpinned_guests_stay_off,
    foreign_pins_are_known,
)  # fmt: skip

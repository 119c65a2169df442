# SPDX-License-Identifier: Apache-2.0
"""Rules about one VM's cpuset: that it is there, that it suffices, that its CPUs exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.rules.wording import cpus_named, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import VmPlacement
    from kvmrt_plan.rules.subject import Subject


def rt_has_cpuset(subject: Subject) -> Iterator[Finding]:
    """An RT VM without CPUs of its own cannot be shielded."""
    for vm in subject.configuration.vms:
        if vm.rt and not vm.cpuset:
            yield Finding(
                code="KR101",
                severity=Severity.ERROR,
                summary=f"{vm.name}: rt is on, but cpuset is empty",
                remedy=f"give it at least {vm.nr_vcpus + 1} CPUs in cpuset, one per core, "
                "or switch rt off",
                source=vm.source_of("cpuset" if "cpuset" in vm.sources else "rt"),
                vm=vm.name,
            )


def rt_is_supplied(subject: Subject) -> Iterator[Finding]:
    """An RT VM needs a CPU for its emulator and one per vCPU; of a core only one CPU counts."""
    for one in subject.rt:
        vm = one.vm
        needed = vm.nr_vcpus + 1
        if len(one.used) >= needed:
            continue
        unused = vm.cpuset - one.used
        yield Finding(
            code="KR103",
            severity=Severity.ERROR,
            summary=f"{vm.name}: cpuset {vm.cpuset} has {plural(len(one.used), 'usable CPU')}, "
            f"but {plural(vm.nr_vcpus, 'vCPU')} and the emulator need {needed}",
            detail=f"{cpus_named(unused)} {'is a sibling' if len(unused) == 1 else 'are siblings'} "
            f"of {cpus_named(one.used)}; of every core one CPU is used and the others go offline"
            if unused
            else "",
            remedy=f"add {plural(needed - len(one.used), 'CPU')} of other cores to cpuset, "
            "or lower nr_vcpus",
            source=vm.source_of("cpuset"),
            vm=vm.name,
        )


def other_is_supplied(subject: Subject) -> Iterator[Finding]:
    """Advice for VMs that are not RT: nr_vcpus + 1 CPUs."""
    for one in subject.placement.vms:
        vm = one.vm
        if vm.rt or not one.used or len(one.used) > vm.nr_vcpus:
            continue
        yield Finding(
            code="KR128",
            severity=Severity.ADVICE,
            summary=f"{vm.name}: cpuset {vm.cpuset} has {plural(len(one.used), 'CPU')} for "
            f"{plural(vm.nr_vcpus, 'vCPU')} and the emulator, so that some share one",
            remedy=f"give it {vm.nr_vcpus + 1} CPUs",
            source=vm.source_of("cpuset"),
            vm=vm.name,
        )


def cpus_exist(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A pin to a CPU that is not there keeps the guest from starting."""
    for one in subject.placement.vms:
        vm = one.vm
        missing = vm.cpuset - facts.cpus.present
        if missing:
            yield Finding(
                code="KR110",
                severity=Severity.ERROR,
                summary=f"{vm.name}: {cpus_named(missing)} of cpuset {vm.cpuset} "
                f"{'does' if len(missing) == 1 else 'do'} not exist",
                detail=f"this host has {cpus_named(facts.cpus.present)}",
                remedy="name CPUs that the host has (`kvmrt topology` lists them)",
                source=vm.source_of("cpuset"),
                vm=vm.name,
            )


def cpus_are_online(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Fine are siblings within an RT VM's own cpuset, and CPUs that kvmrt itself brings back."""
    for one in subject.placement.vms:
        offline = (one.used & facts.cpus.offline) - subject.returning
        if offline:
            yield _offline(one, str(offline), is_single=len(offline) == 1)


def _offline(one: VmPlacement, offline: str, *, is_single: bool) -> Finding:
    vm = one.vm
    noun = "CPU" if is_single else "CPUs"
    return Finding(
        code="KR111",
        severity=Severity.ERROR,
        summary=f"{vm.name}: {noun} {offline} of cpuset {vm.cpuset} "
        f"{'is' if is_single else 'are'} offline",
        detail="on cgroup v2 a guest pinned to offline CPUs alone does not start, and one pinned "
        "partly to such CPUs silently has fewer",
        remedy=f"bring {'it' if is_single else 'them'} online (chcpu --enable {offline}), "
        "or name other CPUs",
        source=vm.source_of("cpuset"),
        vm=vm.name,
    )


def host_keeps_a_cpu(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """The host needs CPUs of its own, also when every RT VM runs at once."""
    if not subject.rt or not facts.cpus.online:
        return
    if facts.cpus.online <= subject.rt_owned:
        summary = "the RT VMs take all CPUs of the host"
    elif not (subject.placement.housekeeping & facts.cpus.online) - subject.rt_owned:
        summary = "no housekeeping CPU is left to the host"
    else:
        return
    shares = ", ".join(sorted(f"{one.vm.name} {one.owned}" for one in subject.rt))
    source = subject.configuration.host.source_of("housekeeping")
    yield Finding(
        code="KR108",
        severity=Severity.ERROR,
        summary=summary,
        detail=f"online: {facts.cpus.online}; owned with their siblings: {shares}",
        remedy="take at least one core out of the cpusets of the RT VMs, better one per NUMA node",
        source=subject.rt[-1].vm.source_of("cpuset") if summary.startswith("the RT") else source,
    )


RULES = (rt_has_cpuset, rt_is_supplied, other_is_supplied)
HOST_RULES = (cpus_exist, cpus_are_online, host_keeps_a_cpu)

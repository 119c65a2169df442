# SPDX-License-Identifier: Apache-2.0
"""Rules about CPU 0 and about siblings that have to go offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.rules.wording import cpus_named, listed
from kvmrt_plan.values.cpuset import CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject


def siblings_can_go_offline(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Without /sys/devices/system/cpu/cpuN/online the kernel offers no way to take a CPU offline."""
    for one in subject.rt:
        fixed = _fixed(one.offlined, facts)
        if not fixed:
            continue
        vm = one.vm
        partners = union(subject.cores[cpu] for cpu in fixed if cpu in subject.cores)
        instead = (vm.cpuset - partners) | fixed
        use = f"let the VM use that CPU itself with cpuset {instead}, or "
        yield Finding(
            code="KR131",
            severity=Severity.ERROR,
            summary=f"{vm.name}: {cpus_named(fixed)} must go offline as a sibling of its cpuset "
            f"{vm.cpuset}, but cannot",
            detail="the kernel offers no "
            + listed([f"/sys/devices/system/cpu/cpu{cpu}/online" for cpu in fixed]),
            remedy=f"leave that core to the host, or {use if _helps(fixed, subject, facts) else ''}"
            "boot with `nosmt`",
            source=vm.source_of("cpuset"),
            vm=vm.name,
        )


def boot_cpu_is_the_hosts(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """CPU 0 keeps timekeeping and interrupts that cannot be moved (the timer, ACPI)."""
    for one in subject.rt:
        if 0 not in one.owned or 0 in _fixed(one.offlined, facts):
            continue
        vm = one.vm
        yield Finding(
            code="KR123",
            severity=Severity.WARNING,
            summary=f"{vm.name}: CPU 0 belongs to an RT VM"
            + ("" if 0 in vm.cpuset else " as a sibling of its cpuset"),
            detail="CPU 0 has interrupts and timekeeping that cannot be moved to another CPU",
            remedy="leave the core of CPU 0 to the host",
            source=vm.source_of("cpuset"),
            vm=vm.name,
        )


def siblings_are_known(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """The kernel forgets an offline CPU's place; only a record from before tells its siblings."""
    lost = CpuSet(
        cpu
        for cpu in facts.cpus.offline
        if cpu not in facts.cpus.recorded_siblings and len(subject.cores[cpu]) == 1
    )
    silent = CpuSet(cpu.id for cpu in facts.cpus.cpus.values() if not cpu.has_known_siblings)
    used = union(one.used for one in subject.rt) & silent & facts.cpus.online
    if used:
        yield Finding(
            code="KR203",
            severity=Severity.WARNING,
            summary=f"the siblings of {cpus_named(used)} are not known: the host's texts have no "
            "topology of them",
            detail="an RT VM may share a core with the host without this plan seeing it",
            remedy="take the snapshot again, with /sys/devices/system/cpu/cpuN/topology in it",
        )
    if lost and any(vm.rt for vm in subject.configuration.vms):
        yield Finding(
            code="KR203",
            severity=Severity.WARNING,
            summary=f"the siblings of {cpus_named(lost)} are not known, because "
            f"{'it is' if len(lost) == 1 else 'they are'} offline",
            detail="an RT VM may own a core together with them without this plan seeing it",
            remedy=f"bring them online once (chcpu --enable {lost}) and plan or take the snapshot "
            "again; the siblings are recorded from then on",
        )


def _helps(fixed: CpuSet, subject: Subject, facts: HostFacts) -> bool:
    """Whether the CPU that stays online could be the only one of its core that does."""
    partners = union(subject.cores[cpu] for cpu in fixed if cpu in subject.cores) - fixed
    return bool(partners) and not _fixed(partners, facts)


def _fixed(cpus: CpuSet, facts: HostFacts) -> CpuSet:
    """Those that are online and cannot be taken offline."""
    known = facts.cpus.cpus
    return CpuSet(
        cpu for cpu in cpus & facts.cpus.online if cpu in known and not known[cpu].is_hotpluggable
    )


HOST_RULES = (siblings_can_go_offline, boot_cpu_is_the_hosts, siblings_are_known)

# SPDX-License-Identifier: Apache-2.0
"""Rules about interrupts: those that the configuration assigns, and those that cannot be moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.rules.wording import cpus_named, plural
from kvmrt_plan.values.cpuset import EMPTY, CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.irq import Irq
    from kvmrt_plan.rules.subject import Subject


def assignments_to_rt_cpus_are_meant(subject: Subject) -> Iterator[Finding]:
    """A device that is passed through may well interrupt the CPUs of its VM."""
    for assignment in subject.configuration.host.irqs:
        for one in subject.rt:
            shared = assignment.cpus & one.owned
            if shared:
                yield Finding(
                    code="KR130",
                    severity=Severity.ADVICE,
                    summary=f"irqs: {assignment.irq} interrupts {cpus_named(shared)} "
                    f"of the RT VM {one.vm.name}",
                    remedy="leave it so only for a device that is passed through to this VM",
                    source=assignment.source,
                )


def assigned_cpus_are_online(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """The kernel refuses an affinity without an online CPU (EINVAL)."""
    for assignment in subject.configuration.host.irqs:
        absent = assignment.cpus - facts.cpus.online - subject.returning
        leaving = (assignment.cpus & subject.placement.offlined) - absent
        if absent:
            missing = absent - facts.cpus.present
            state = "exist" if missing else "are online"
            summary = f"irqs: {assignment.irq} is assigned to CPUs that not all {state}: {absent}"
        elif leaving:
            summary = (
                f"irqs: {assignment.irq} is assigned to {cpus_named(leaving)}, "
                "to be taken offline as siblings of an RT VM's CPUs"
            )
        else:
            continue
        yield Finding(
            code="KR130",
            severity=Severity.ERROR,
            summary=summary,
            remedy=f"assign it to CPUs within {facts.cpus.online - subject.placement.offlined}",
            source=assignment.source,
        )


def assigned_interrupts_exist(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A name that matches nothing is a typing error, or a device that is not there now."""
    for assignment in subject.configuration.host.irqs:
        if not any(irq.matches(assignment.irq) for irq in facts.irqs.values()):
            kind = "interrupt" if isinstance(assignment.irq, int) else "interface or driver"
            yield Finding(
                code="KR129",
                severity=Severity.WARNING,
                summary=f"irqs: this host has no {kind} {assignment.irq}",
                remedy="compare with /proc/interrupts, and `ls /sys/class/net` for interfaces",
                source=assignment.source,
            )


def managed_interrupts_stay_away(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """The kernel places managed interrupts (NVMe, modern NICs) itself and refuses other affinities."""
    isolated = subject.placement.isolated
    groups: dict[tuple[str, str], list[Irq]] = {}
    for irq in facts.irqs.values():
        if irq.is_managed and _target(irq) & isolated:
            name = next(iter(irq.actions), "unknown").partition("-")[0].rstrip("0123456789")
            key = (irq.driver or name, irq.device or "")
            groups.setdefault(key, []).append(irq)
    for (driver, device), irqs in sorted(groups.items()):
        numbers = CpuSet(irq.number for irq in irqs)
        reached = union(_target(irq) for irq in irqs) & isolated
        yield Finding(
            code="KR205",
            severity=Severity.WARNING,
            summary=f"{plural(len(irqs), 'managed interrupt')} of {f'{driver} {device}'.strip()} "
            f"({numbers}) {'goes' if len(irqs) == 1 else 'go'} to {cpus_named(reached)} of RT VMs",
            detail="the kernel chose these CPUs and refuses others; a queue interrupts its CPU only "
            "for requests that were made there",
            remedy=f"boot with isolcpus=managed_irq,{isolated}, or give the driver fewer queues",
        )


def _target(irq: Irq) -> CpuSet:
    return (irq.affinity or EMPTY) if irq.effective is None else irq.effective


RULES = (assignments_to_rt_cpus_are_meant,)
HOST_RULES = (assigned_cpus_are_online, assigned_interrupts_exist, managed_interrupts_stay_away)

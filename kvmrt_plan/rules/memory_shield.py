# SPDX-License-Identifier: Apache-2.0
"""Rules about memory that is to be kept for RT VMs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.placement.memory_shield import BACKENDS, MemoryShield
from kvmrt_plan.placement.shield import shield_backend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject


def memory_is_shielded(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Asked for and not to be had, for the host or for a VM."""
    host, holders = subject.configuration.host, [one for one in subject.rt if one.holds_policies]
    if not host.memory_shield or not holders:
        return
    backend = shield_backend(host.shield, facts)
    source = host.source_of("memory_shield")
    if backend is ShieldBackend.REDHAWK:
        shown = facts.slices.shield.memory if facts.slices.shield is not None else ""
        yield Finding(
            code="KR149",
            severity=Severity.ADVICE,
            summary="memory_shield: the kernel shields a node's memory by itself, as soon as all of its "
            "CPUs are shielded; kvmrt writes nothing",
            detail=f"/proc/shield/mems says {shown}" if shown else "",
            remedy="remove memory_shield: it is for hosts without /proc/shield",
            source=source,
        )
        return
    if backend not in BACKENDS or facts.slices.nodes is None:
        yield Finding(
            code="KR149",
            severity=Severity.WARNING,
            summary="memory_shield: no unit can be confined to memory nodes, so that all of them may take "
            "memory of RT VMs' nodes",
            detail="it needs systemd and the cpuset controller on cgroup v2, and a shield other than none",
            remedy="boot with systemd.unified_cgroup_hierarchy=1, or remove memory_shield",
            source=source,
        )
        return
    shield = MemoryShield(facts, subject.placement)
    for one in holders:
        obstacle = shield.obstacle(one)
        if obstacle:
            yield Finding(
                code="KR149",
                severity=Severity.WARNING,
                summary=f"{one.vm.name}: its memory is not shielded: {obstacle}",
                remedy="give all CPUs of a node to RT VMs whose numatune has it, or remove memory_shield",
                source=source,
                vm=one.vm.name,
            )


HOST_RULES = (memory_is_shielded,)

# SPDX-License-Identifier: Apache-2.0
"""Rules about the task shield that is weaker than it could be, or than was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.facts.slices import GUESTS
from kvmrt_plan.placement.shield import OWN_SLICES, Obstacles, shield_backend
from kvmrt_plan.rules.wording import cpus_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject


#: What is used in place of partitions.
_WEAKER = {
    ShieldBackend.ALLOWED_CPUS: "AllowedCPUs= of systemd's units",
    ShieldBackend.CPUSET_V1: "a cpuset of cgroup v1",
}


def partitions_can_be_made(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Where a VM's CPUs cannot be its own slice's now, AllowedCPUs= of the other units hold."""
    host = subject.configuration.host
    backend = shield_backend(host.shield, facts)
    if backend not in OWN_SLICES:
        return
    obstacles = Obstacles(facts, subject.placement, backend)
    has_partitions = backend is ShieldBackend.PARTITION
    noun = "partition" if has_partitions else "slice"
    for one in subject.placement.vms:
        obstacle = obstacles.of(one) if one.holds_policies and one.owned else ""
        if not obstacle:
            continue
        vm = one.vm
        domain = facts.domains.get(vm.uuid)
        runs = domain is not None and domain.is_running
        yield Finding(
            code="KR209",
            severity=Severity.ADVICE if runs else Severity.WARNING,
            summary=f"{vm.name}: {cpus_named(one.owned)} are no {noun} of their own: {obstacle}",
            detail="until then AllowedCPUs= keeps the units of systemd off them; KR211 has what is left"
            if has_partitions
            else f"until then {GUESTS} keeps these CPUs, and guests without pins may run there",
            remedy=f"shut {vm.name} down and start it with `kvmrt boot {vm.name}`"
            if runs
            else "remove what stands in the way, and plan again",
            source=vm.source_of("cpuset"),
            vm=vm.name,
        )


def the_shield_is_the_strongest(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Asked for and not there; KR204 tells when there is no shield at all."""
    wanted = subject.configuration.host.shield
    backend = shield_backend(wanted, facts)
    if not subject.placement.isolated or wanted is not ShieldBackend.PARTITION:
        return
    used = _WEAKER.get(backend)
    if used is None:
        return
    yield Finding(
        code="KR210",
        severity=Severity.WARNING,
        summary="shield partition: the kernel is not known to have isolated partitions, so that "
        f"{used} is used",
        remedy="boot Linux 6.1 or later, or set shield to auto",
        source=subject.configuration.host.source_of("shield"),
    )


def partitions_are_valid(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """The kernel takes a partition away when another cgroup names one of its CPUs, and says so there only."""
    for unit in facts.slices.slices:
        if not unit.is_of_a_vm or " invalid" not in unit.partition:
            continue
        names = {one.vm.uuid.hex: one.vm.name for one in subject.placement.vms}
        name = names.get(unit.name.removeprefix("kvmrt").removesuffix(".slice"), unit.name)
        yield Finding(
            code="KR213",
            severity=Severity.WARNING,
            summary=f"{name}: its partition is {unit.partition}",
            detail="until it is made anew the host's tasks may run on its CPUs",
            remedy="apply the plan; look for who gives CPUs to other units with `systemctl show -p "
            "AllowedCPUs '*.slice'` if it happens again",
        )


HOST_RULES = (partitions_can_be_made, the_shield_is_the_strongest, partitions_are_valid)

# SPDX-License-Identifier: Apache-2.0
"""Rules about isolcpus=: as the only shield there is, and beside partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.facts.slices import ISOLATED, vm_slice
from kvmrt_plan.placement.shield import boot_isolated, shield_backend
from kvmrt_plan.rules.wording import cpus_named
from kvmrt_plan.values.cpuset import union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject


def boot_isolates_what_vms_own(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Where isolcpus= is the shield, a CPU that it lacks has none."""
    host = subject.configuration.host
    owned = subject.placement.isolated & facts.cpus.present
    if shield_backend(host.shield, facts) is not ShieldBackend.STATIC:
        return
    isolated = boot_isolated(facts)
    missing = owned - isolated
    if not missing:
        return
    wanted = union(one.owned for one in subject.rt) & facts.cpus.present | isolated
    argument = f"isolcpus=managed_irq,domain,{wanted}"
    yield Finding(
        code="KR212",
        severity=Severity.WARNING,
        summary=f"shield static: of the CPUs of RT VMs, boot isolates {owned & isolated or 'none'}, and "
        f"not {cpus_named(missing)}",
        detail="isolcpus= cannot be changed while the kernel runs, and nothing else keeps tasks off these "
        "CPUs",
        remedy=f"boot with {argument} (`host: {{boot: {{arguments: [{argument}]}}}}` writes it, with "
        "managed_irqs unset)",
        source=host.source_of("shield"),
    )


def partitions_get_along_with_isolcpus(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Some kernels refuse a partition with CPUs of isolcpus=: "partition config conflicts with housekeeping
    setup" (kernel/cgroup/cpuset.c, prstate_housekeeping_conflict). Which do cannot be read beforehand.
    """
    host = subject.configuration.host
    if shield_backend(host.shield, facts) is not ShieldBackend.PARTITION:
        return
    units = facts.slices.by_name
    for one in subject.placement.vms:
        present = units.get(vm_slice(one.vm.uuid))
        is_made = present is not None and present.partition == ISOLATED
        shared = one.owned & boot_isolated(facts)
        if not one.holds_policies or is_made or not shared:
            continue
        yield Finding(
            code="KR214",
            severity=Severity.WARNING,
            summary=f"{one.vm.name}: its partition takes {cpus_named(shared)}, which isolcpus= isolates "
            "already",
            detail="some kernels, those of Linux 6.7 to 6.16 among them, refuse that (partition config "
            "conflicts with housekeeping setup); the apply is then taken back",
            remedy="boot without isolcpus= for these CPUs, since a partition isolates them; or set shield to "
            "static",
            source=one.vm.source_of("cpuset"),
            vm=one.vm.name,
        )


HOST_RULES = (boot_isolates_what_vms_own, partitions_get_along_with_isolcpus)

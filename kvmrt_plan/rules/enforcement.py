# SPDX-License-Identifier: Apache-2.0
"""Rules about RT VMs that run without what the host should do for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.rules.wording import cpus_named, listed
from kvmrt_plan.values.cpuset import CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import VmPlacement
    from kvmrt_plan.rules.subject import Subject


def guests_run_under_their_policies(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Whoever starts an RT guest with virsh gets it on CPUs that nobody has cleared."""
    for one in subject.rt:
        missing = missing_policies(one, facts)
        if missing:
            yield Finding(
                code="KR134",
                severity=Severity.WARNING,
                summary=f"{one.vm.name}: runs without its policies",
                detail=f"{listed(missing)}; it was not started by kvmrt",
                remedy=f"apply the plan (`kvmrt apply {one.vm.name}`), and start it with `kvmrt boot`",
                source=one.vm.source_of("rt"),
                vm=one.vm.name,
            )


def missing_policies(one: VmPlacement, facts: HostFacts) -> list[str]:
    """What shows that a running RT VM's policies are not in force, for a VM that kvmrt has not given
    any. A VM whose policies kvmrt holds is none of these: what differs there is drift, which a plan
    shows value by value.
    """
    domain = facts.domains.get(one.vm.uuid)
    if domain is None or not domain.is_running or not one.vm.rt or one.vm.uuid in facts.holders:
        return []
    found = []
    siblings = one.offlined & facts.cpus.online
    if siblings:
        found.append(f"{cpus_named(siblings)} of its cores {_are(siblings)} online")
    work = union(cpus for _, cpus in facts.workqueue.masks) & one.owned & facts.cpus.online
    if work:
        found.append(f"kernel work may run on {cpus_named(work)}")
    default = (facts.default_irq_affinity or CpuSet()) & one.owned & facts.cpus.online
    if default:
        found.append(f"new interrupts may go to {cpus_named(default)}")
    return found


def _are(cpus: CpuSet) -> str:
    return "is" if len(cpus) == 1 else "are"


HOST_RULES = (guests_run_under_their_policies,)

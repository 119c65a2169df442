# SPDX-License-Identifier: Apache-2.0
"""Interrupts leave the CPUs of RT VMs.

The rule for each interrupt, in this order: what `host.irqs` assigns is assigned; what the kernel manages
or refuses to move is left (a finding explains it); an affinity that names no CPU of an RT VM is right;
any other keeps the housekeeping CPUs it has, or gets all of them when it has none.

Interface: /proc/irq/N/smp_affinity_list and /proc/irq/default_smp_affinity, see the kernel's
Documentation/core-api/irq/irq-affinity.rst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Change,
    Considered,
    Disturbance,
    Kind,
    NoChange,
    Reason,
    ReasonCode,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.reasons import CpuReasons
    from kvmrt_plan.desired.model import HostPolicy, IrqAssignment
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.irq import Irq
    from kvmrt_plan.placement.model import Placement
    from kvmrt_plan.values.cpuset import CpuSet


def irq_changes(
    policy: HostPolicy, facts: HostFacts, placement: Placement, reasons: CpuReasons
) -> Iterator[Considered]:
    """The default affinity and that of each interrupt in use that can be moved."""
    if placement.isolated and facts.default_irq_affinity is not None:
        yield _default_affinity(facts.default_irq_affinity, placement, reasons)
    for irq in facts.irqs.values():
        if irq.affinity is None or irq.is_managed or not irq.is_movable:
            continue
        assignment = _assignment(policy, irq)
        if assignment is not None:
            yield _set_affinity(irq, irq.affinity, assignment.cpus, _assigned(assignment))
        elif placement.isolated and irq.actions:
            wanted = leave(irq.affinity, placement)
            yield _set_affinity(irq, irq.affinity, wanted, reasons.leaving(irq.affinity))


def leave(cpus: CpuSet, placement: Placement) -> CpuSet:
    """What is left of a mask that must not name CPUs of RT VMs: never empty."""
    if not cpus & placement.isolated:
        return cpus
    return cpus & placement.housekeeping or placement.housekeeping


def _default_affinity(now: CpuSet, placement: Placement, reasons: CpuReasons) -> Considered:
    wanted = leave(now, placement)
    reason = reasons.leaving(now)
    address = "irq/default"
    if wanted == now:
        return NoChange(
            kind=Kind.IRQ_DEFAULT_AFFINITY, address=address, value=str(now), reason=reason
        )
    return Change(
        kind=Kind.IRQ_DEFAULT_AFFINITY,
        address=address,
        before=str(now),
        after=str(wanted),
        reason=reason,
    )


def _set_affinity(irq: Irq, now: CpuSet, wanted: CpuSet, reason: Reason) -> Considered:
    address = f"irq/{irq.number}"
    label = ",".join(irq.actions)
    if wanted == now:
        return NoChange(
            kind=Kind.IRQ_AFFINITY, address=address, value=str(now), reason=reason, label=label
        )
    return Change(
        kind=Kind.IRQ_AFFINITY,
        address=address,
        before=str(now),
        after=str(wanted),
        disturbance=Disturbance.HOST,
        reason=reason,
        label=label,
    )


def _assignment(policy: HostPolicy, irq: Irq) -> IrqAssignment | None:
    """The last assignment that names the interrupt: a later line overrides an earlier one."""
    found = None
    for assignment in policy.irqs:
        if irq.matches(assignment.irq):
            found = assignment
    return found


def _assigned(assignment: IrqAssignment) -> Reason:
    return Reason(
        code=ReasonCode.ASSIGNED,
        text=f"host.irqs assigns {assignment.irq} to {assignment.cpus}",
        source=assignment.source,
    )

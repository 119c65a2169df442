# SPDX-License-Identifier: Apache-2.0
"""Interrupts leave the CPUs of RT VMs.

The rule for each interrupt, in this order: what the kernel manages or refuses to move is left (a finding
explains it); what `host.irqs` assigns is assigned; what vfio handles for an RT VM goes to that VM's emulator
CPU (changes/passthrough.py); an affinity that names no CPU of an RT VM is right;
any other keeps the housekeeping CPUs it has, or gets all of them when it has none.

Interface: /proc/irq/N/smp_affinity_list and /proc/irq/default_smp_affinity, see the kernel's
Documentation/core-api/irq/irq-affinity.rst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Activation,
    Change,
    Considered,
    Disturbance,
    Kind,
    NoChange,
    Pending,
    Reason,
    ReasonCode,
    unless_right,
)
from kvmrt_plan.changes.masks import released
from kvmrt_plan.changes.passthrough import device_owners, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.desired.model import HostPolicy, IrqAssignment
    from kvmrt_plan.facts.irq import Irq
    from kvmrt_plan.values.cpuset import CpuSet

DEFAULT = "irq/default"


def assigned_irqs(policy: HostPolicy, masks: Masks) -> Iterator[Considered]:
    """Only what `host.irqs` assigns, and what it no longer does: RedHawk's shield moves all others."""
    for irq in masks.facts.irqs.values():
        if irq.affinity is None or irq.is_managed or not irq.is_movable:
            continue
        assignment = _assignment(policy, irq)
        held = masks.facts.held.get(f"irq/{irq.number}")
        if assignment is not None:
            yield _move(irq, assignment.cpus, _assigned(assignment))
        elif held is not None and held.original and held.written == str(irq.affinity):
            yield Change(
                kind=Kind.IRQ_AFFINITY,
                address=f"irq/{irq.number}",
                before=held.written,
                after=held.original,
                disturbance=Disturbance.HOST,
                reason=released(),
                label=",".join(irq.actions),
            )


def irq_changes(policy: HostPolicy, masks: Masks) -> Iterator[Considered]:
    """The default affinity and that of each interrupt in use that can be moved."""
    default = masks.facts.default_irq_affinity
    if default is not None:
        moved = masks.consider(Kind.IRQ_DEFAULT_AFFINITY, DEFAULT, default)
        if moved is not None:
            yield moved
    owners = device_owners(masks.facts, masks.placement)
    for irq in masks.facts.irqs.values():
        if irq.affinity is None or irq.is_managed or not irq.is_movable:
            continue
        assignment = _assignment(policy, irq)
        considered: Considered | None = None
        if assignment is not None:
            considered = _move(irq, assignment.cpus, _assigned(assignment))
        elif owner := owner_of(irq, owners):
            considered = _move(irq, owner.cpus, owner.reason)
        elif irq.actions:
            label, address = ",".join(irq.actions), f"irq/{irq.number}"
            considered = masks.consider(Kind.IRQ_AFFINITY, address, irq.affinity, label=label)
        if considered is not None:
            yield considered
        if isinstance(considered, NoChange):
            yield from _not_yet_moved(irq)


def _not_yet_moved(irq: Irq) -> Iterator[Pending]:
    """An interrupt with the right affinity that still goes elsewhere: an idle device's line is moved
    when it fires the next time, which may be hours from now.
    """
    if irq.effective and irq.affinity and not irq.effective <= irq.affinity:
        yield Pending(
            kind=Kind.IRQ_AFFINITY,
            address=f"irq/{irq.number}",
            running=str(irq.effective),
            written=str(irq.affinity),
            activation=Activation.NEXT_INTERRUPT,
            label=",".join(irq.actions),
        )


def _assigned(assignment: IrqAssignment) -> Reason:
    return Reason(
        code=ReasonCode.ASSIGNED,
        text=f"host.irqs assigns {assignment.irq} to {assignment.cpus}",
        source=assignment.source,
    )


def _move(irq: Irq, cpus: CpuSet, reason: Reason) -> Considered:
    address, label, now = f"irq/{irq.number}", ",".join(irq.actions), irq.affinity
    return unless_right(
        Change(
            kind=Kind.IRQ_AFFINITY,
            address=address,
            before=str(now),
            after=str(cpus),
            disturbance=Disturbance.HOST,
            reason=reason,
            label=label,
        )
    )


def _assignment(policy: HostPolicy, irq: Irq) -> IrqAssignment | None:
    """The last assignment that names the interrupt: a later line overrides an earlier one."""
    found = None
    for assignment in policy.irqs:
        if irq.matches(assignment.irq):
            found = assignment
    return found

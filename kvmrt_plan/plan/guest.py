# SPDX-License-Identifier: Apache-2.0
"""The plan for the inside of guests: made from what their agents tell, and by no other way applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, NoChange
from kvmrt_plan.changes.guest import guest_changes
from kvmrt_plan.diagnostics import Finding, Severity, has_errors, sort_findings
from kvmrt_plan.plan.action import Plan
from kvmrt_plan.plan.make import number_actions
from kvmrt_plan.plan.order import order_changes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.desired.model import VirtualMachine
    from kvmrt_plan.facts.guest import GuestFacts
    from kvmrt_plan.plan.action import PlannedHost

_SCRIPT = "or carry over what `kvmrt guest --script` prints, and run it there as root"


def is_concerned(vm: VirtualMachine) -> bool:
    """Whether anything inside the guest follows from the configuration."""
    return vm.rt or vm.guest_clock is not None


def plan_guests(
    host: PlannedHost,
    configuration: str,
    guests: Sequence[tuple[VirtualMachine, GuestFacts | str]],
    *,
    findings: tuple[Finding, ...] = (),
    holders: tuple[str, ...] = (),
) -> Plan:
    """What has to change inside the guests.

    Args:
        host: the machine they run on.
        configuration: its file, as it was named.
        guests: each VM with what its agent told, or why it told nothing.
        findings: about the configuration.
        holders: UUIDs of the VMs whose policies are in force.
    """
    found = [*findings, *(one for vm, facts in guests for one in _findings(vm, facts))]
    considered = [
        one
        for vm, facts in guests
        if not isinstance(facts, str)
        for one in guest_changes(vm, facts)
    ]
    changes = order_changes([one for one in considered if isinstance(one, Change)])
    return Plan(
        host=host,
        configuration=configuration,
        narrowed_to=(),
        actions=() if has_errors(found) else number_actions(changes),
        pending=(),
        unchanged=tuple(one for one in considered if isinstance(one, NoChange)),
        holders=holders,
        findings=sort_findings(found),
    )


def _findings(vm: VirtualMachine, facts: GuestFacts | str) -> Iterator[Finding]:
    if isinstance(facts, str):
        yield Finding(
            code="KR241",
            severity=Severity.WARNING,
            summary=f"{vm.name}: its inside is not known",
            detail=facts,
            remedy=f"start it with qemu-guest-agent in it, and allow guest-exec, {_SCRIPT}",
            source=vm.source_of(),
            vm=vm.name,
        )
        return
    if vm.guest_clock is not None and facts.chrony is None:
        yield Finding(
            code="KR242",
            severity=Severity.WARNING,
            summary=f"{vm.name}: chrony is not installed in the guest, its clock stays as it is",
            remedy="install the package chrony in the guest, then run `kvmrt guest` again",
            source=vm.source_of("guest_clock"),
            vm=vm.name,
        )
    if vm.rt and facts.initramfs == "none":
        yield Finding(
            code="KR243",
            severity=Severity.ADVICE,
            summary=f"{vm.name}: nothing in the guest tells what its initramfs holds",
            detail="virtio_balloon is loaded before the guest's own configuration is read where "
            "the initramfs has it",
            remedy="if the guest has an initramfs, make it anew with the guest's own tool",
            source=vm.source_of("rt"),
            vm=vm.name,
        )

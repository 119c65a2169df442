# SPDX-License-Identifier: Apache-2.0
"""Guests that start and stop: `vm/NAME/state`, from `shut off` to `running` or back.

A guest that has a QEMU process is not started again, whatever state it is in: a paused one is somebody's
intention. States are libvirt's words (`virsh domstate`).
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
    Undo,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.desired.model import Configuration, VirtualMachine
    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts

RUNNING, SHUT_OFF = "running", "shut off"


def state_changes(
    configuration: Configuration,
    facts: HostFacts,
    *,
    started: tuple[str, ...] = (),
    stopped: tuple[str, ...] = (),
) -> list[Considered]:
    """One change per VM that has to start or stop, in the order of the configuration; VMs that libvirt
    does not know are left out (a finding says so).
    """
    found: list[Considered] = []
    for vm in configuration.vms:
        domain = facts.domains.get(vm.uuid)
        if domain is None:
            continue
        if vm.name in started:
            found.extend(_to_state(vm, domain, RUNNING))
        elif vm.name in stopped:
            found.extend(_to_state(vm, domain, SHUT_OFF))
    return found


def _to_state(vm: VirtualMachine, domain: Domain, wanted: str) -> Iterator[Considered]:
    address, owner = f"vm/{vm.name}/state", str(vm.uuid)
    reason = _reason(vm, wanted)
    if domain.is_running is (wanted == RUNNING):
        yield NoChange(
            kind=Kind.DOMAIN_STATE,
            address=address,
            value=domain.state,
            reason=reason,
            owner=owner,
        )
        return
    yield Change(
        kind=Kind.DOMAIN_STATE,
        address=address,
        before=domain.state,
        after=wanted,
        disturbance=Disturbance.NONE if wanted == RUNNING else Disturbance.GUEST,
        undo=Undo.GUEST_RESTART,
        reason=reason,
        owner=owner,
    )


def _reason(vm: VirtualMachine, wanted: str) -> Reason:
    if wanted == RUNNING and vm.autostart:
        return Reason(
            code=ReasonCode.ATTRIBUTE, text="autostart is true", source=vm.source_of("autostart")
        )
    return Reason(code=ReasonCode.REQUESTED, text="it was asked for", source=vm.source_of("name"))

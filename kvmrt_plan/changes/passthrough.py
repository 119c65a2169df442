# SPDX-License-Identifier: Apache-2.0
"""Interrupts of devices that RT VMs pass through: they go to the VM's own emulator CPU.

vfio requests them when the guest switches MSI-X on (`vfio-msix[0](0000:3b:00.0)` in /proc/interrupts), which
is after its start. Each of them wakes the guest, so they belong on the CPU that is the VM's and runs no vCPU.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from kvmrt_plan.changes.change import Reason, ReasonCode
from kvmrt_plan.domainxml.document import parse_domain
from kvmrt_plan.domainxml.passthrough import passed_devices

if TYPE_CHECKING:
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.irq import Irq
    from kvmrt_plan.placement.model import Placement
    from kvmrt_plan.values.cpuset import CpuSet

_ACTION = re.compile(r"vfio-[a-z]+(?:\[\d+\])?\(([0-9a-f:.]+)\)")


class Owner(NamedTuple):
    """Where the interrupts of a device go, and why."""

    cpus: CpuSet
    reason: Reason


def device_owners(facts: HostFacts, placement: Placement) -> dict[str, Owner]:
    """By PCI address, for RT VMs that run under their policies with pins of their own.

    Raises:
        DomainXmlError: a domain's XML cannot be read.
    """
    found: dict[str, Owner] = {}
    for one in placement.vms:
        domain = facts.domains.get(one.vm.uuid)
        if not one.holds_policies or not one.emulator or domain is None:
            continue
        # Most domains pass nothing through, and parsing costs more than looking.
        if "hostdev" not in domain.live_xml:
            continue
        for device in passed_devices(parse_domain(domain.live_xml, domain=domain.name)):
            reason = Reason(
                code=ReasonCode.PASSED_THROUGH,
                text=f"{device} is passed through to {one.vm.name}, whose threads that are no vCPU "
                f"run on CPU {one.emulator}",
                source=one.vm.source_of("cpuset"),
            )
            found[device] = Owner(one.emulator, reason)
    return found


def owner_of(irq: Irq, owners: dict[str, Owner]) -> Owner | None:
    """Whose the interrupt is; None unless vfio handles it for one of these devices."""
    for action in irq.actions:
        matched = _ACTION.fullmatch(action)
        if matched:
            return owners.get(matched[1])
    return None

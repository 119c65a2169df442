# SPDX-License-Identifier: Apache-2.0
"""Rules about what goes on inside of guests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.rules.subject import Subject


def clocks_are_visible(subject: Subject) -> Iterator[Finding]:
    """A guest that does not know of KVM does not find KVM's clock."""
    for vm in subject.configuration.vms:
        if vm.guest_clock is not None and vm.hide_kvm:
            yield Finding(
                code="KR240",
                severity=Severity.ERROR,
                summary=f"{vm.name}: hide_kvm hides the clock that guest_clock asks for",
                detail="ptp_kvm asks the hypervisor by KVM's hypercall, which the guest must know of",
                remedy="set hide_kvm to false, or leave guest_clock out and keep the guest's time "
                "by the network",
                source=vm.source_of("guest_clock"),
                vm=vm.name,
            )


RULES = (clocks_are_visible,)

# SPDX-License-Identifier: Apache-2.0
"""RedHawk: `host.irqs` as assignments of the shield service, in force now and after a boot.

The interrupts themselves are moved first, as steps of their own with their old affinity; then the file is
written and the service restarted, which finds them where they belong.
"""

from __future__ import annotations

import re
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
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.desired.model import HostPolicy, IrqAssignment
    from kvmrt_plan.facts.host import HostFacts

ADDRESS = "shield/assignments"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def assignment_changes(
    policy: HostPolicy, facts: HostFacts, moved: Sequence[Considered]
) -> Iterator[Considered]:
    """The change of kvmrt's line in the service's file; `moved` are the interrupts that go before it."""
    wanted = wanted_assignments(policy, facts)
    own = facts.shield_file.own
    if wanted == own:
        if own:
            reason = _reason(policy)
            yield NoChange(kind=Kind.SHIELD_ASSIGNMENTS, address=ADDRESS, value=own, reason=reason)
        return
    has_guests = any(one.is_running for one in facts.domains.values())
    yield Change(
        kind=Kind.SHIELD_ASSIGNMENTS,
        address=ADDRESS,
        before=own or None,
        after=wanted or None,
        # What else a restart of RedHawk's service does to a shield is not written down anywhere.
        disturbance=Disturbance.GUEST if has_guests else Disturbance.HOST,
        reason=_reason(policy),
        requires=tuple(one.address for one in moved if one.kind is Kind.IRQ_AFFINITY),
    )


def wanted_assignments(policy: HostPolicy, facts: HostFacts) -> str:
    """`0-4:enp4s0f0; 0,2:55`. The file knows interfaces and numbers; another name stands for the numbers
    of its interrupts.
    """
    return "; ".join(f"{one.cpus}:{name}" for one in policy.irqs for name in _names(one, facts))


def _names(one: IrqAssignment, facts: HostFacts) -> Iterator[str]:
    name = str(one.irq)
    is_interface = any(name in irq.interfaces for irq in facts.irqs.values())
    if isinstance(one.irq, int) or (is_interface and _NAME.fullmatch(name)):
        yield name
        return
    for irq in facts.irqs.values():
        if irq.matches(one.irq):
            yield str(irq.number)


def _reason(policy: HostPolicy) -> Reason:
    if not policy.irqs:
        return Reason(
            code=ReasonCode.RELEASED, text="the configuration no longer assigns interrupts"
        )
    return Reason(
        code=ReasonCode.ASSIGNED,
        text="host.irqs assigns them, at every boot",
        source=policy.source_of("irqs"),
    )

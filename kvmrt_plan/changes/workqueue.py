# SPDX-License-Identifier: Apache-2.0
"""Unbound kernel work leaves the CPUs of RT VMs.

Interface: /sys/devices/virtual/workqueue/cpumask and the masks of single queues, see
Documentation/core-api/workqueue.rst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Considered, Disturbance, Kind, NoChange
from kvmrt_plan.changes.irq import leave

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.reasons import CpuReasons
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement

_FOLDER = "/sys/devices/virtual/workqueue/"


def workqueue_changes(
    facts: HostFacts, placement: Placement, reasons: CpuReasons
) -> Iterator[Considered]:
    """The global mask and each queue's own."""
    if not placement.isolated:
        return
    for path, now in facts.workqueue.masks:
        address = f"workqueue/{path.removeprefix(_FOLDER)}"
        wanted = leave(now, placement)
        reason = reasons.leaving(now)
        if wanted == now:
            yield NoChange(
                kind=Kind.WORKQUEUE_CPUMASK, address=address, value=str(now), reason=reason
            )
        else:
            yield Change(
                kind=Kind.WORKQUEUE_CPUMASK,
                address=address,
                before=str(now),
                after=str(wanted),
                disturbance=Disturbance.HOST,
                reason=reason,
            )

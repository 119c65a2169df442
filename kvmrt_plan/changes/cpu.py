# SPDX-License-Identifier: Apache-2.0
"""SMT siblings of the CPUs that RT VMs use go offline.

Interface: /sys/devices/system/cpu/cpuN/online, see Documentation/core-api/cpu_hotplug.rst. A CPU that is
already offline is right, whoever took it offline; only one that kvmrt took offline comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Considered, Disturbance, Kind, NoChange
from kvmrt_plan.changes.masks import released

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.facts.host import HostFacts


def cpu_changes(masks: Masks, *, leaving: Sequence[Considered]) -> Iterator[Considered]:
    """One change per sibling that goes, and per sibling that comes back.

    Args:
        masks: the host and the placement.
        leaving: changes of others; those that take something away from a sibling come first.
    """
    online, offlined = masks.facts.cpus.online, masks.placement.offlined
    movers = _movers(masks.facts, leaving)
    for cpu in offlined:
        reason = masks.reasons.sibling(cpu)
        if cpu not in online:
            yield NoChange(
                kind=Kind.CPU_ONLINE, address=f"cpu/{cpu}", value="offline", reason=reason
            )
            continue
        yield Change(
            kind=Kind.CPU_ONLINE,
            address=f"cpu/{cpu}",
            before="online",
            after="offline",
            disturbance=Disturbance.ALL_CPUS,
            reason=reason,
            requires=tuple(movers.get(cpu, ())),
        )
    for cpu in masks.facts.cpus.offline - offlined:
        held = masks.facts.held.get(f"cpu/{cpu}")
        if held is not None and held.original == "online":
            yield Change(
                kind=Kind.CPU_ONLINE,
                address=f"cpu/{cpu}",
                before="offline",
                after="online",
                disturbance=Disturbance.ALL_CPUS,
                reason=released(),
            )


def _movers(facts: HostFacts, leaving: Sequence[Considered]) -> dict[int, list[str]]:
    """By CPU: the changes that move interrupts which fire there now.

    The kernel would move them by itself, but to any CPU: the sole target of an interrupt that goes
    offline opens it to all CPUs, those of RT VMs included.
    """
    found: dict[int, list[str]] = {}
    for change in leaving:
        if isinstance(change, Change) and change.kind is Kind.IRQ_AFFINITY:
            irq = facts.irqs[int(change.address.rpartition("/")[2])]
            for cpu in irq.effective or ():
                found.setdefault(cpu, []).append(change.address)
    return found

# SPDX-License-Identifier: Apache-2.0
"""SMT siblings of the CPUs that RT VMs use go offline.

Interface: /sys/devices/system/cpu/cpuN/online, see Documentation/core-api/cpu_hotplug.rst. A CPU that is
already offline is right, whoever took it offline; only one that kvmrt took offline comes back, and one
that a VM uses and somebody has taken offline while its policies are in force.

A guest's thread that is bound to the CPU goes before it, when the plan moves it. When nothing does, the CPU
goes only with permission: the kernel would put the thread on other CPUs, and, where it was bound to this
CPU alone, forget its affinity (kernel/sched/core.c, select_fallback_rq).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.bound_threads import GuestThreads
from kvmrt_plan.changes.change import (
    Change,
    Considered,
    Disturbance,
    Kind,
    NoChange,
    Undo,
)
from kvmrt_plan.changes.masks import released
from kvmrt_plan.placement.place import lost_cpus, returning_cpus
from kvmrt_plan.values.cpuset import CpuSet

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
    guests = GuestThreads(masks.facts, leaving)
    for cpu in offlined:
        reason = masks.reasons.sibling(cpu)
        if cpu not in online:
            yield NoChange(
                kind=Kind.CPU_ONLINE, address=f"cpu/{cpu}", value="offline", reason=reason
            )
            continue
        bound = guests.on(CpuSet((cpu,)))
        yield Change(
            kind=Kind.CPU_ONLINE,
            address=f"cpu/{cpu}",
            before="online",
            after="offline",
            disturbance=Disturbance.GUEST if bound.staying else Disturbance.ALL_CPUS,
            undo=Undo.GUEST_RESTART if CpuSet((cpu,)) in bound.staying else Undo.FULLY,
            reason=reason,
            requires=(*movers.get(cpu, ()), *bound.pins),
        )
    lost = lost_cpus(masks.facts, masks.placement)
    for cpu in returning_cpus(masks.facts, masks.placement):
        yield Change(
            kind=Kind.CPU_ONLINE,
            address=f"cpu/{cpu}",
            before="offline",
            after="online",
            disturbance=Disturbance.ALL_CPUS,
            reason=masks.reasons.leaving(CpuSet((cpu,))) if cpu in lost else released(),
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

# SPDX-License-Identifier: Apache-2.0
"""What virtio_net, or the kernel, would move when CPUs come or go stays where it is.

With every hotplug the driver spreads the interrupts of its queues over all online CPUs, and with them who
sends by which queue (drivers/net/virtio_net.c, virtnet_cpu_online): onto CPUs of RT VMs, and away from where
they had been. So a plan that switches CPUs names all of them, those that are right as well: their value
before is the one after, and is written again when the driver has undone it (apply/respread.py).

The same holds for an interrupt whose only CPU goes and comes back: the kernel opens it to all that are left
(kernel/irq/cpuhotplug.c, migrate_one_irq).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Disturbance, Kind, Reason, ReasonCode
from kvmrt_plan.facts.net_queues import VIRTIO_QUEUE
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.changes.change import Considered
    from kvmrt_plan.facts.host import HostFacts

_SPREAD = Reason(
    code=ReasonCode.SPREAD_BY_DRIVER, text="its driver spreads it when CPUs come or go"
)
_OPENED = Reason(
    code=ReasonCode.OPENED_BY_KERNEL,
    text="the kernel opens it to all CPUs when its only one goes offline",
)
_HOTPLUG = frozenset({Kind.CPU_ONLINE, Kind.CPU_EVACUATION})


def keep_in_place(facts: HostFacts, considered: Sequence[Considered]) -> list[Considered]:
    """The same, with what the driver would move among the changes when the plan switches CPUs."""
    changes = [one for one in considered if isinstance(one, Change)]
    if not any(one.kind in _HOTPLUG for one in changes):
        return list(considered)
    changed = {one.address for one in changes}
    evacuated = CpuSet(
        int(one.address.split("/")[1]) for one in changes if one.kind is Kind.CPU_EVACUATION
    )
    kept = {
        one.address: one
        for one in (*_opened(facts, evacuated), *_kept(facts))
        if one.address not in changed
    }
    others = [one for one in considered if isinstance(one, Change) or one.address not in kept]
    return [*others, *kept.values()]


def _opened(facts: HostFacts, evacuated: CpuSet) -> Iterator[Change]:
    """Interrupts that fire on one of these CPUs alone, and that somebody uses."""
    for irq in facts.irqs.values():
        target = (irq.affinity or EMPTY) & facts.cpus.online
        is_alone = len(target) == 1 and target <= evacuated
        if is_alone and irq.affinity and irq.actions and irq.is_movable and not irq.is_managed:
            label = ",".join(irq.actions)
            yield _keep(Kind.IRQ_AFFINITY, f"irq/{irq.number}", irq.affinity, label, reason=_OPENED)


def _kept(facts: HostFacts) -> Iterator[Change]:
    for irq in facts.irqs.values():
        is_queue = any(map(VIRTIO_QUEUE.fullmatch, irq.actions))
        if is_queue and irq.affinity and irq.is_movable and not irq.is_managed:
            label = ",".join(irq.actions)
            yield _keep(Kind.IRQ_AFFINITY, f"irq/{irq.number}", irq.affinity, label)
    for address, cpus in facts.net_queues.items():
        _, interface, queue = address.split("/")
        if interface in facts.virtio_interfaces and queue.startswith("tx-"):
            yield _keep(Kind.NET_QUEUE, address, cpus, "XPS")


def _keep(
    kind: Kind, address: str, cpus: CpuSet, label: str, *, reason: Reason = _SPREAD
) -> Change:
    return Change(
        kind=kind,
        address=address,
        before=str(cpus),
        after=str(cpus),
        disturbance=Disturbance.HOST,
        reason=reason,
        label=label,
    )

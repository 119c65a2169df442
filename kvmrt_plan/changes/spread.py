# SPDX-License-Identifier: Apache-2.0
"""What virtio_net would move when CPUs come or go stays where it is.

With every hotplug the driver spreads the interrupts of its queues over all online CPUs, and with them who
sends by which queue (drivers/net/virtio_net.c, virtnet_cpu_online): onto CPUs of RT VMs, and away from where
they had been. So a plan that switches CPUs names all of them, those that are right as well: their value
before is the one after, and is written again when the driver has undone it (apply/respread.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Disturbance, Kind, Reason, ReasonCode
from kvmrt_plan.facts.net_queues import VIRTIO_QUEUE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.changes.change import Considered
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.values.cpuset import CpuSet

_SPREAD = Reason(
    code=ReasonCode.SPREAD_BY_DRIVER, text="its driver spreads it when CPUs come or go"
)


def keep_in_place(facts: HostFacts, considered: Sequence[Considered]) -> list[Considered]:
    """The same, with what the driver would move among the changes when the plan switches CPUs."""
    changes = [one for one in considered if isinstance(one, Change)]
    if not any(one.kind is Kind.CPU_ONLINE for one in changes):
        return list(considered)
    changed = {one.address for one in changes}
    kept = {one.address: one for one in _kept(facts) if one.address not in changed}
    others = [one for one in considered if isinstance(one, Change) or one.address not in kept]
    return [*others, *kept.values()]


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


def _keep(kind: Kind, address: str, cpus: CpuSet, label: str) -> Change:
    return Change(
        kind=kind,
        address=address,
        before=str(cpus),
        after=str(cpus),
        disturbance=Disturbance.HOST,
        reason=_SPREAD,
        label=label,
    )

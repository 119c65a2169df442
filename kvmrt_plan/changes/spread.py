# SPDX-License-Identifier: Apache-2.0
"""What a driver or the kernel would move along with a plan's changes stays where it is.

With every hotplug virtio_net spreads the interrupts of its queues over all online CPUs, and with them who
sends by which queue (drivers/net/virtio_net.c, virtnet_cpu_online): onto CPUs of RT VMs, and away from where
they had been. An interrupt whose only CPU goes and comes back is opened to all that are left
(kernel/irq/cpuhotplug.c, migrate_one_irq). With every partition that is made, changed or lifted each thread
of the kernel may use all CPUs that partitions leave, whatever it had been bound to (kernel/cgroup/cpuset.c,
update_tasks_cpumask).

So a plan with such changes names all that they would move, also what is right: its value before is the one
after, and is written again when it has been undone (apply/respread.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import HOTPLUG, Change, Disturbance, Kind, Reason, ReasonCode
from kvmrt_plan.facts.kthreads import KCOMPACTD
from kvmrt_plan.facts.net_queues import VIRTIO_QUEUE
from kvmrt_plan.facts.slices import ISOLATED
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
_EVICTED = Reason(
    code=ReasonCode.EVICTED,
    text="the kernel forgets its CPUs when a partition or a CPU comes or goes",
)


def keep_in_place(facts: HostFacts, considered: Sequence[Considered]) -> list[Considered]:
    """The same, with what would be moved besides among the changes."""
    changes = [one for one in considered if isinstance(one, Change)]
    changed = {one.address for one in changes}
    kept = {one.address: one for one in _kept(facts, changes) if one.address not in changed}
    others = [one for one in considered if isinstance(one, Change) or one.address not in kept]
    return [*others, *kept.values()]


def _kept(facts: HostFacts, changes: Sequence[Change]) -> Iterator[Change]:
    if any(one.kind in HOTPLUG for one in changes):
        evacuated = CpuSet(
            int(one.address.split("/")[1]) for one in changes if one.kind is Kind.CPU_EVACUATION
        )
        yield from _opened(facts, evacuated)
        yield from _queues(facts)
    if any(_evicts(facts, one) for one in changes):
        yield from _threads(facts)


def _evicts(facts: HostFacts, change: Change) -> bool:
    """Whether a partition is made or ends, or one that stands gets other CPUs; or a CPU comes, and kcompactd
    of its node may use all of that again (mm/compaction.c, kcompactd_cpu_online).
    """
    if change.kind is Kind.VM_SLICE:
        present = facts.slices.by_name.get(change.address.rpartition("/")[2])
        return present is not None and present.partition == ISOLATED
    comes = change.kind is Kind.CPU_ONLINE and change.after == "online"
    return comes or change.kind in (Kind.PARTITION, Kind.PARTITION_LIFT, Kind.CPU_EVACUATION)


def _threads(facts: HostFacts) -> Iterator[Change]:
    everywhere = facts.slices.left_to_the_root(facts.cpus.online)
    for thread in facts.kernel_threads.values():
        if thread.affinity is None:
            continue
        address = f"kthread/{thread.name}/cpus"
        is_moved = not everywhere <= thread.affinity or thread.name.startswith(KCOMPACTD)
        if is_moved or address in facts.held:
            yield _keep(Kind.KERNEL_THREAD_CPUS, address, thread.affinity, reason=_EVICTED)


def _opened(facts: HostFacts, evacuated: CpuSet) -> Iterator[Change]:
    """Interrupts that fire on one of these CPUs alone, and that somebody uses."""
    for irq in facts.irqs.values():
        target = (irq.affinity or EMPTY) & facts.cpus.online
        is_alone = len(target) == 1 and target <= evacuated
        if is_alone and irq.affinity and irq.actions and irq.is_movable and not irq.is_managed:
            label = ",".join(irq.actions)
            yield _keep(
                Kind.IRQ_AFFINITY, f"irq/{irq.number}", irq.affinity, label=label, reason=_OPENED
            )


def _queues(facts: HostFacts) -> Iterator[Change]:
    for irq in facts.irqs.values():
        is_queue = any(map(VIRTIO_QUEUE.fullmatch, irq.actions))
        if is_queue and irq.affinity and irq.is_movable and not irq.is_managed:
            label = ",".join(irq.actions)
            yield _keep(Kind.IRQ_AFFINITY, f"irq/{irq.number}", irq.affinity, label=label)
    for address, cpus in facts.net_queues.items():
        _, interface, queue = address.split("/")
        if interface in facts.virtio_interfaces and queue.startswith("tx-"):
            yield _keep(Kind.NET_QUEUE, address, cpus, label="XPS")


def _keep(
    kind: Kind, address: str, cpus: CpuSet, *, label: str = "", reason: Reason = _SPREAD
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

# SPDX-License-Identifier: Apache-2.0
"""All changes of all nouns, for one configuration on one host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.cpu import cpu_changes
from kvmrt_plan.changes.domain import domain_changes
from kvmrt_plan.changes.irq import assigned_irqs, irq_changes
from kvmrt_plan.changes.irqbalance import irqbalance_changes
from kvmrt_plan.changes.kernel_args import boot_changes
from kvmrt_plan.changes.knobs import knob_changes
from kvmrt_plan.changes.kthreads import kthread_changes
from kvmrt_plan.changes.kvm import kvm_changes
from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.changes.net_queues import net_queue_changes
from kvmrt_plan.changes.partitions import Partitions
from kvmrt_plan.changes.shield_file import assignment_changes
from kvmrt_plan.changes.slices import slice_changes
from kvmrt_plan.changes.spread import keep_in_place
from kvmrt_plan.changes.workqueue import workqueue_changes
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.placement.shield import OWN_SLICES, shield_backend

if TYPE_CHECKING:
    from kvmrt_plan.changes.change import Considered
    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement


def collect_changes(
    configuration: Configuration, facts: HostFacts, placement: Placement
) -> list[Considered]:
    """Everything that was considered, in no particular order: `plan/order.py` decides that.

    Raises:
        DomainXmlError: a domain's XML cannot be read.
    """
    policy = configuration.host
    masks = Masks(facts, placement)
    backend = shield_backend(policy.shield, facts)
    found: list[Considered] = []
    has_own_slices = backend in OWN_SLICES
    domains = [
        one
        for placed in placement.vms
        for one in domain_changes(placed, facts, has_own_slice=has_own_slices)
    ]
    partitions = Partitions(backend, masks, domains)
    found.extend(domains)
    found.extend(slice_changes(backend, masks, partitions))
    found.extend(partitions.changes())
    if facts.slices.cpusets or backend is ShieldBackend.CPUSET_V1:
        from kvmrt_plan.changes.cpusets import cpuset_changes

        found.extend(cpuset_changes(backend, masks))
    found.extend(workqueue_changes(masks))
    if backend is ShieldBackend.REDHAWK:
        moved = list(assigned_irqs(policy, masks))
        found.extend((*moved, *assignment_changes(policy, facts, moved)))
    else:
        # RedHawk's shield moves interrupts itself; two writers would fight over the same masks.
        found.extend(irq_changes(policy, masks))
    found.extend(irqbalance_changes(policy, masks))
    found.extend(net_queue_changes(masks))
    found.extend(kthread_changes(policy.kernel_threads, masks, backend))
    found.extend(knob_changes(policy, masks))
    if policy.reserve_hugepages or any(one.startswith("hugepages/") for one in facts.held):
        from kvmrt_plan.changes.hugepages import hugepage_changes

        found.extend(hugepage_changes(policy, masks))
    if policy.memory_shield or any(one.startswith("memory/") for one in facts.held):
        from kvmrt_plan.changes.memory_nodes import memory_changes

        found.extend(memory_changes(policy, backend, masks))
    found.extend(kvm_changes(policy.kvm, masks))
    found.extend(boot_changes(policy.boot, facts, placement))
    found.extend(cpu_changes(masks, leaving=tuple(found)))
    if policy.evacuate_cpus:
        from kvmrt_plan.changes.evacuation import evacuation_changes

        found.extend(evacuation_changes(policy, masks, tuple(found)))
    return found if backend is ShieldBackend.REDHAWK else keep_in_place(facts, found)

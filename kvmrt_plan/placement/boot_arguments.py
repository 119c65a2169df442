# SPDX-License-Identifier: Apache-2.0
"""Which boot arguments follow from the configuration on this host.

`auto` is the union over all RT VMs of the file, whether they run or not: a boot comes before any VM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.boot_model import BootCpus, Iommu
from kvmrt_plan.values.cpuset import CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kvmrt_plan.desired.boot_model import BootPolicy
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement, VmPlacement


def wanted_tokens(policy: BootPolicy, facts: HostFacts, placement: Placement) -> tuple[str, ...]:
    """Every token that the configuration asks for, in a fixed order: attributes, then `arguments`."""
    return tuple(token for _, token in wanted_by_attribute(policy, facts, placement))


def wanted_by_attribute(
    policy: BootPolicy, facts: HostFacts, placement: Placement
) -> Iterator[tuple[str, str]]:
    """The attribute that asks, and the token."""
    vms = [one for one in placement.vms if one.vm.rt]
    owned = union(one.owned for one in vms)
    is_redhawk = facts.kernel.is_redhawk
    yield from _cpus("nohz_full", policy.nohz_full, tickless_cpus(vms), "nohz_full=")
    yield from _cpus("rcu_nocbs", policy.rcu_nocbs, owned, "rcu_nocbs=")
    others = facts.cpus.present - owned if owned else CpuSet()
    yield from _cpus("irqaffinity", policy.irqaffinity, others, "irqaffinity=")
    if is_redhawk:
        yield from _cpus("irqaffinity", policy.irqaffinity, others, "msi_affinity_mask=")
    yield from _cpus("managed_irqs", policy.managed_irqs, owned, "isolcpus=managed_irq,")
    if policy.kthread_prio is not None:
        yield "kthread_prio", f"rcutree.kthread_prio={policy.kthread_prio}"
    if policy.workqueue_pri is not None and is_redhawk:
        yield "workqueue_pri", f"workqueue.pri={policy.workqueue_pri}"
    yield from _iommu(policy.iommu, facts)
    if policy.vfio_pci and is_redhawk:
        yield "vfio_pci", f"vfio-pci.addr={','.join(policy.vfio_pci)}"
    for token in policy.arguments:
        yield "arguments", token


def tickless_cpus(vms: Iterable[VmPlacement]) -> CpuSet:
    """CPUs that could do without a tick: those that run vCPUs, but not the one that keeps the time
    (admin-guide/kernel-parameters, nohz_full).
    """
    return union(cpus for one in vms for cpus in one.vcpus) - CpuSet((0,))


def _cpus(
    attribute: str, asked: CpuSet | BootCpus | None, automatic: CpuSet, token: str
) -> Iterator[tuple[str, str]]:
    cpus = automatic if asked is BootCpus.AUTO else asked
    if cpus:
        yield attribute, f"{token}{cpus}"


def _iommu(asked: Iommu | None, facts: HostFacts) -> Iterator[tuple[str, str]]:
    # AMD's is on wherever the firmware has it, and "on" is no value of amd_iommu=.
    if asked is not None and not facts.has_amd_kvm:
        yield "iommu", "intel_iommu=on"
    if asked is Iommu.PT:
        yield "iommu", "iommu=pt"

# SPDX-License-Identifier: Apache-2.0
"""From a snapshot to all facts of its host. Pure: the same texts give equal facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.facts.cpu import parse_cpus
from kvmrt_plan.facts.domains import parse_domains
from kvmrt_plan.facts.held import HELD_PATH, parse_held
from kvmrt_plan.facts.host import HostFacts
from kvmrt_plan.facts.hugepages import parse_hugepages
from kvmrt_plan.facts.hugetlbfs import parse_hugetlbfs
from kvmrt_plan.facts.idle import parse_idle_states
from kvmrt_plan.facts.initramfs import parse_initramfs
from kvmrt_plan.facts.irq import parse_default_affinity, parse_irqs
from kvmrt_plan.facts.kernel import parse_kernel
from kvmrt_plan.facts.kernel_args import parse_boot
from kvmrt_plan.facts.knobs import parse_knobs
from kvmrt_plan.facts.kthreads import awaited_priorities, parse_kthreads
from kvmrt_plan.facts.kvm import parse_kvm
from kvmrt_plan.facts.net_queues import parse_net_queues, parse_virtio_interfaces
from kvmrt_plan.facts.processes import parse_libvirt_memlock
from kvmrt_plan.facts.services import parse_services
from kvmrt_plan.facts.shield_file import SHIELD_FILE, parse_shield_file
from kvmrt_plan.facts.slices import parse_slices
from kvmrt_plan.facts.workqueue import parse_workqueue

if TYPE_CHECKING:
    from kvmrt_plan.facts.snapshot import Snapshot


#: There in every kernel that can remap, also when it does not.
_IOMMUS = "/sys/class/iommu"


def gather_facts(snapshot: Snapshot) -> HostFacts:
    """All facts, one parser per noun. Complete on a host without libvirt, NUMA, cgroups or IRQs.

    Raises:
        FactError: a text is not what the kernel or libvirt gives.
    """
    libvirt = snapshot.libvirt
    kernel = parse_kernel(snapshot)
    idle_switches, idle_exit_us = parse_idle_states(snapshot)
    kernel_threads = parse_kthreads(snapshot)
    held = parse_held(snapshot.files.get(HELD_PATH, ""), boot_id=kernel.boot_id)
    return HostFacts(
        name=snapshot.name,
        captured=snapshot.captured,
        kernel=kernel,
        cpus=parse_cpus(snapshot),
        irqs=parse_irqs(snapshot),
        default_irq_affinity=parse_default_affinity(snapshot),
        slices=parse_slices(snapshot),
        workqueue=parse_workqueue(snapshot),
        hugepages=parse_hugepages(snapshot),
        hugetlbfs=parse_hugetlbfs(snapshot),
        services=parse_services(snapshot),
        domains=parse_domains(snapshot),
        libvirt_problem=libvirt.problem if libvirt else "libvirt was not asked",
        libvirt_uri=libvirt.uri if libvirt else "",
        unreadable=dict(sorted(snapshot.unreadable.items())),
        knobs={**parse_knobs(snapshot), **idle_switches},
        idle_exit_us=idle_exit_us,
        kthreads=awaited_priorities(kernel_threads.values()),
        kernel_threads=kernel_threads,
        net_queues=parse_net_queues(snapshot),
        virtio_interfaces=parse_virtio_interfaces(snapshot),
        held=held.values,
        holders=held.holders,
        boot=parse_boot(snapshot),
        kvm=parse_kvm(snapshot),
        initramfs=parse_initramfs(snapshot),
        shield_file=parse_shield_file(snapshot.files.get(SHIELD_FILE)),
        has_amd_kvm="/sys/module/kvm_amd" in snapshot.links,
        iommus=tuple(snapshot.entries(_IOMMUS)) if _IOMMUS in snapshot.links else None,
        libvirt_memlock=parse_libvirt_memlock(snapshot),
    )

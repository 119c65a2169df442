# SPDX-License-Identifier: Apache-2.0
"""All facts of a host, parsed from one snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kvmrt_plan.facts.initramfs import Initramfs
from kvmrt_plan.facts.kernel_args import NO_LOADER
from kvmrt_plan.facts.kvm import KvmParameters
from kvmrt_plan.facts.shield_file import ShieldFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from kvmrt_plan.facts.cpu import CpuTopology
    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.held import HeldValue
    from kvmrt_plan.facts.hugepages import HugepagePool
    from kvmrt_plan.facts.irq import Irq
    from kvmrt_plan.facts.kernel import Kernel
    from kvmrt_plan.facts.kernel_args import BootArguments
    from kvmrt_plan.facts.kthreads import KernelThread
    from kvmrt_plan.facts.processes import MemlockLimit
    from kvmrt_plan.facts.services import Services
    from kvmrt_plan.facts.slices import Slices
    from kvmrt_plan.facts.workqueue import Workqueue
    from kvmrt_plan.values.cpuset import CpuSet


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """Everything a plan may depend on. Immutable; equal texts give equal facts."""

    name: str
    #: When the snapshot was taken, UTC, ISO 8601 with seconds.
    captured: str
    kernel: Kernel
    cpus: CpuTopology
    #: By number, ascending.
    irqs: Mapping[int, Irq]
    #: /proc/irq/default_smp_affinity; None when the host has none.
    default_irq_affinity: CpuSet | None
    slices: Slices
    workqueue: Workqueue
    hugepages: tuple[HugepagePool, ...]
    services: Services
    #: By UUID, in the order of the names. Empty when libvirt was not asked or did not answer.
    domains: Mapping[UUID, Domain]
    #: Why libvirt's domains are not known ("" when they are).
    libvirt_problem: str
    #: The URI that was asked, "" when none was.
    libvirt_uri: str
    #: Texts that exist but could not be read: path and the errno's name, by path.
    unreadable: Mapping[str, str]
    #: Settings of the kernel that are one word, by address; only those that it has.
    knobs: Mapping[str, str] = field(default_factory=dict)
    #: Exit latencies of idle states in microseconds, by the address of the state's switch.
    idle_exit_us: Mapping[str, int] = field(default_factory=dict)
    #: The priority of the kernel's thread that hotplug waits for, by CPU; empty when not known.
    kthreads: Mapping[int, int] = field(default_factory=dict)
    #: The kernel's threads of a CPU that matter, and those that are bound to none, by name.
    kernel_threads: Mapping[str, KernelThread] = field(default_factory=dict)
    #: Masks of RPS and XPS, by address.
    net_queues: Mapping[str, CpuSet] = field(default_factory=dict)
    #: Interfaces whose driver spreads their queues with every hotplug.
    virtio_interfaces: frozenset[str] = frozenset()
    #: What values had before kvmrt wrote them, by address, for policies that are held.
    held: Mapping[str, HeldValue] = field(default_factory=dict)
    #: VMs whose policies are in force.
    holders: frozenset[UUID] = frozenset()
    #: Sizes in KiB of which huge pages are mounted; None: not known.
    hugetlbfs: frozenset[int] | None = None
    #: Parameters of KVM's modules.
    kvm: KvmParameters = field(default_factory=KvmParameters)
    #: Modules that are loaded before the root file system is there.
    initramfs: Initramfs = field(default_factory=Initramfs)
    #: What RedHawk's shield service assigns.
    shield_file: ShieldFile = field(default_factory=ShieldFile)
    #: The kernel's arguments, running and at the next boot.
    boot: BootArguments = NO_LOADER
    #: Whether KVM runs on an AMD processor.
    has_amd_kvm: bool = False
    #: Names of the units that remap devices' memory accesses; empty: that is off. None: not known.
    iommus: tuple[str, ...] | None = None
    #: RLIMIT_MEMLOCK of libvirt's daemon, which QEMU inherits; None when not known.
    libvirt_memlock: MemlockLimit | None = None

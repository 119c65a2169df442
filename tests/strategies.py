# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for the values that many tests need: CPU sets, VMs, configurations."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

from kvmrt_plan.desired.boot_model import BootCpus, BootPolicy, Iommu
from kvmrt_plan.desired.decode import is_refused
from kvmrt_plan.desired.guest import SWITCHES, Allocation, CpuMode, GuestClock, IoapicDriver
from kvmrt_plan.desired.host_knobs import PageMerging, TransparentHugepages
from kvmrt_plan.desired.irqbalance import IrqbalancePolicy
from kvmrt_plan.desired.kthread_model import Above, KernelThreads, Unbound
from kvmrt_plan.desired.kvm_model import KvmPolicy, NxHugePages
from kvmrt_plan.desired.model import (
    Configuration,
    GuestTopology,
    HostPolicy,
    IrqAssignment,
    PageSize,
    Pinning,
    Probe,
    ShieldBackend,
    VirtualMachine,
)
from kvmrt_plan.desired.thread_scheduler import SchedulerPolicy, ThreadScheduler
from kvmrt_plan.values.cpuset import MAX_ID, CpuSet

#: Characters that files may hold, with those that mean something to INI and YAML more often.
characters = st.one_of(
    st.sampled_from("abcxyz019 #;:=-[]{}&*!|>'\"%@`,?~\\<é漢"),
    st.characters(exclude_categories=("Cs",)).filter(
        lambda one: not is_refused(one) and unicodedata.category(one) != "Cc"
    ),
)
lines = st.text(characters, max_size=20)
#: Several lines, blank and indented ones included.
texts = st.lists(st.one_of(lines, st.sampled_from(["", "\t", "  x", "# x"])), max_size=4).map(
    "\n".join
)
#: What INI can carry: no blanks around a line, no line that looks like a comment.
ini_lines = lines.map(str.strip).filter(lambda line: not line.startswith(("#", ";")))
ini_texts = st.lists(ini_lines, max_size=4).map("\n".join).map(str.strip)
names = (
    lines.map(str.strip)
    .filter(lambda name: name and "/" not in name)
    .filter(lambda name: not name.startswith(("#", ";")))
)


@st.composite
def cpu_sets(draw, *, min_size=0, max_id=MAX_ID) -> CpuSet:
    """Sets of CPUs: mostly runs of neighbours, as people write them."""
    ids = st.integers(0, max_id)
    runs = st.lists(st.tuples(ids, st.integers(0, 12)), min_size=min_size, max_size=5)
    return CpuSet(
        number
        for first, length in draw(runs)
        for number in range(first, min(first + length, max_id) + 1)
    )


def topologies():
    """Guest topologies; they need not multiply to the number of vCPUs."""
    return st.builds(
        GuestTopology, st.integers(1, 99999), st.integers(1, 99999), st.integers(1, 99999)
    )


def schedulers():
    """Policies and priorities of threads."""
    return st.builds(
        ThreadScheduler, policy=st.sampled_from(SchedulerPolicy), priority=st.integers(1, 99)
    )


_BOTH_FORMATS = {
    "uuid": st.uuids(),
    "name": names,
    "nr_vcpus": st.integers(1, 4096),
    "cpu_topology": st.none() | topologies(),
    "cpuset": cpu_sets(),
    "rt": st.booleans(),
    "rt_memory": st.none() | st.booleans(),
    "numatune": st.none() | cpu_sets(),
    "hide_kvm": st.booleans(),
    "autostart": st.booleans(),
}


def kvmrt_vms():
    """VMs that KVM-RT's file can carry."""
    return st.builds(
        VirtualMachine,
        **_BOTH_FORMATS,
        title=ini_lines,
        description=ini_texts,
        comments=ini_texts,
    )


def vms():
    """VMs with any attribute that YAML can carry."""
    return st.builds(
        VirtualMachine,
        **_BOTH_FORMATS,
        title=lines,
        description=texts,
        comments=texts,
        vcpu_scheduler=st.none() | schedulers(),
        emulator_scheduler=st.none() | schedulers(),
        iothread_scheduler=st.none() | schedulers(),
        hugepages=st.none() | st.sampled_from(PageSize),
        iothreads=st.none() | st.integers(0, 256),
        guest_clock=st.none() | st.sampled_from(GuestClock),
        pinning=st.sampled_from(Pinning),
        memory_allocation=st.none() | st.sampled_from(Allocation),
        cell_nodes=st.none() | cpu_sets(min_size=1),
        cpu_mode=st.none() | st.sampled_from(CpuMode),
        ioapic=st.none() | st.sampled_from(IoapicDriver),
        **dict.fromkeys(SWITCHES, st.none() | st.booleans()),
    )


def irq_assignments():
    """Interrupts by number or name, with the CPUs they go to."""
    irqs = st.integers(0, 2**31 - 1) | st.sampled_from(["enp4s0f0", "nvme", "yes", "0x1", "a b"])
    return st.builds(IrqAssignment, irq=irqs, cpus=cpu_sets(min_size=1))


def probes():
    """Probes of each kind."""
    words = st.lists(lines, max_size=3).flatmap(
        lambda rest: lines.filter(bool).map(lambda first: (first, *rest))
    )
    kinds = st.one_of(
        words.map(lambda command: {"command": command}),
        st.sampled_from(["a:1", "192.0.2.7:65535", "[::1]:22"]).map(lambda tcp: {"tcp": tcp}),
        st.sampled_from(["192.0.2.1", "::1", "no", "fe80::1%eth0"]).map(
            lambda host: {"ping": host}
        ),
    )
    return st.builds(
        lambda kind, name, timeout: Probe(**kind, name=name, timeout=timeout),
        kinds, lines, st.integers(1, 3600),
    )  # fmt: skip


def kvm_policies():
    """Kvm parts, from nothing at all to everything."""
    numbers = st.none() | st.integers(0, 65535)
    return st.builds(
        KvmPolicy,
        kvmclock_periodic_sync=st.none() | st.booleans(),
        nx_huge_pages=st.none() | st.sampled_from(NxHugePages),
        halt_poll_ns=numbers,
        ple_gap=numbers,
        pause_filter_count=numbers,
    )


def kernel_threads():
    """Parts about the kernel's threads, from nothing at all to everything."""
    priorities = st.none() | st.just(Above.GUESTS) | st.integers(1, 99)
    return st.builds(
        KernelThreads,
        rcuc=priorities,
        ktimers=priorities,
        ksoftirqd=priorities,
        rcub=priorities,
        unbound=st.none() | st.sampled_from(Unbound),
    )


def boot_policies():
    """Boot parts, from nothing at all to everything."""
    cpus = st.none() | st.just(BootCpus.AUTO) | cpu_sets(min_size=1)
    words = ["nosmt", "tsc=reliable", "hugepagesz=1G", "vfio-pci.ids=10de:1db4", "skew_tick=1"]
    return st.builds(
        BootPolicy,
        nohz_full=cpus,
        rcu_nocbs=cpus,
        irqaffinity=cpus,
        managed_irqs=cpus,
        kthread_prio=st.none() | st.integers(1, 99),
        workqueue_pri=st.none() | st.integers(1, 99),
        iommu=st.none() | st.sampled_from(Iommu),
        vfio_pci=st.lists(st.sampled_from(["3b:00.0", "03:1f.7"]), unique=True).map(tuple),
        arguments=st.lists(st.sampled_from(words), unique=True).map(tuple),
    )


def host_policies():
    """Host parts, from nothing at all to everything."""
    return st.builds(
        HostPolicy,
        housekeeping=st.none() | cpu_sets(min_size=1),
        shield=st.sampled_from(ShieldBackend),
        irqbalance=st.sampled_from(IrqbalancePolicy),
        quiet_kernel=st.booleans(),
        rt_throttling=st.booleans(),
        governor=st.none() | st.sampled_from(["performance", "schedutil"]),
        cpu_latency_us=st.none() | st.integers(1, 2**31 - 1),
        reserve_hugepages=st.booleans(),
        evacuate_cpus=st.booleans(),
        page_merging=st.none() | st.sampled_from(PageMerging),
        transparent_hugepages=st.none() | st.sampled_from(TransparentHugepages),
        nmi_watchdog=st.booleans(),
        machine_check_polling=st.booleans(),
        energy_preference=st.none() | st.sampled_from(["performance", "balance_performance"]),
        idle_exit_us=st.none() | st.integers(0, 2**31 - 1),
        kernel_threads=st.none() | kernel_threads(),
        kvm=st.none() | kvm_policies(),
        boot=st.none() | boot_policies(),
        irqs=st.lists(irq_assignments(), max_size=3, unique_by=lambda one: one.irq).map(tuple),
        probes=st.lists(probes(), max_size=2).map(tuple),
    )


def _unique(one_vm):
    return st.lists(
        one_vm, min_size=1, max_size=4, unique_by=(lambda vm: vm.uuid, lambda vm: vm.name)
    ).map(tuple)


def kvmrt_configurations():
    """Configurations that KVM-RT's file can carry."""
    return st.builds(Configuration, vms=_unique(kvmrt_vms()))


def configurations():
    """Configurations with at least one VM."""
    return st.builds(Configuration, host=host_policies(), vms=_unique(vms()))

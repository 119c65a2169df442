# SPDX-License-Identifier: Apache-2.0
"""Small hosts for tests, built as facts: say what matters, the rest is an ordinary host.

Logical CPUs are numbered as on x86: first one hardware thread of every core, then the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from uuid import UUID

from kvmrt_plan.desired.model import Configuration, HostPolicy, VirtualMachine
from kvmrt_plan.diagnostics import Source
from kvmrt_plan.facts.cpu import Cpu, CpuTopology, Node
from kvmrt_plan.facts.domain import Domain
from kvmrt_plan.facts.host import HostFacts
from kvmrt_plan.facts.irq import Irq
from kvmrt_plan.facts.irqbalance import Irqbalance
from kvmrt_plan.facts.kernel import Kernel
from kvmrt_plan.facts.services import Services
from kvmrt_plan.facts.slices import CgroupMode, Slice, Slices
from kvmrt_plan.facts.workqueue import Workqueue
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

#: The global mask of unbound workqueues.
WORKQUEUE_MASK = "/sys/devices/virtual/workqueue/cpumask"
GIB = 1024 * 1024


def uuid(number: int) -> UUID:
    """The UUID of the nth VM of a test."""
    return UUID(int=number)


def cpus(text: str) -> CpuSet:
    """A cpulist."""
    return CpuSet.parse(text)


@dataclass(frozen=True)
class Shape:
    """How the CPUs are built; `cores` are those of one socket."""

    sockets: int
    cores: int
    threads: int
    nodes: int

    @property
    def width(self) -> int:
        """Cores of the whole host, which is the distance between two siblings."""
        return self.sockets * self.cores

    def siblings(self, cpu: int) -> CpuSet:
        """All hardware threads of the CPU's core."""
        return CpuSet(range(cpu % self.width, self.width * self.threads, self.width))

    def node(self, cpu: int) -> int | None:
        """The node of the CPU; nodes divide the cores evenly."""
        return cpu % self.width * self.nodes // self.width if self.nodes else None


def make_topology(
    shape: Shape, *, offline: str = "", recorded: bool = True, memory_kib: int = 16 * GIB
) -> CpuTopology:
    """CPUs and nodes as the kernel shows them: an offline CPU has lost its place, CPU 0 stays."""
    everything = CpuSet(range(shape.width * shape.threads))
    online = everything - cpus(offline)
    return CpuTopology(
        cpus={cpu: _cpu(cpu, shape, online) for cpu in everything},
        nodes={
            node: Node(
                id=node,
                cpus=CpuSet(cpu for cpu in online if shape.node(cpu) == node),
                memory_kib=memory_kib,
                free_kib=memory_kib,
                distances={other: 10 if other == node else 20 for other in range(shape.nodes)},
            )
            for node in range(shape.nodes)
        },
        present=everything,
        online=online,
        recorded_siblings={cpu: shape.siblings(cpu) for cpu in everything} if recorded else {},
    )


def _cpu(cpu: int, shape: Shape, online: CpuSet) -> Cpu:
    if cpu not in online:
        return Cpu(id=cpu, is_online=False, siblings=CpuSet((cpu,)), has_known_siblings=False)
    core = cpu % shape.width
    return Cpu(
        id=cpu,
        is_online=True,
        socket=core // shape.cores,
        die=0,
        core=core % shape.cores,
        node=shape.node(cpu),
        siblings=shape.siblings(cpu) & online,
        is_hotpluggable=cpu != 0,
    )


def make_domain(number: int, name: str, *, xml: str | None = None, **values: object) -> Domain:
    """A persistent domain that is off; `running=True` gives it a live XML."""
    running = values.pop("running", False)
    definition = domain_xml(number, name) if xml is None else xml
    made = Domain(
        uuid=uuid(number),
        name=name,
        state="running" if running else "shut off",
        is_persistent=True,
        has_autostart=False,
        xml=definition,
        live_xml=definition if running else "",
    )
    return replace(made, **values)


def domain_xml(number: int, name: str, *, memory_kib: int = GIB, inner: str = "") -> str:
    """A small definition; `inner` stands inside <domain>."""
    return (
        f"<domain type='kvm'><name>{name}</name><uuid>{uuid(number)}</uuid>"
        f"<memory unit='KiB'>{memory_kib}</memory><vcpu>1</vcpu>{inner}</domain>"
    )


def make_irq(number: int, affinity: str, **values: object) -> Irq:
    """A movable interrupt with its desired affinity, which is also where it goes."""
    made = Irq(
        number=number,
        actions=(f"irq{number}",),
        chip="PCI-MSI",
        affinity=cpus(affinity),
        effective=cpus(affinity),
        is_managed=False,
    )
    return made.replace(**values)


def make_host(
    *, sockets: int = 1, cores: int = 4, threads: int = 1, nodes: int = 1, **values: object
) -> HostFacts:
    """A healthy host: PREEMPT_RT, cgroup v2, no competing writers, libvirt answers.

    Besides the shape: `offline`, `recorded` and `memory_kib` as in `make_topology`, `irqs` and
    `domains` as sequences, and any field of `HostFacts`.
    """
    shape = Shape(sockets, cores, threads, nodes)
    built = {key: values.pop(key) for key in ("offline", "recorded", "memory_kib") if key in values}
    topology = make_topology(shape, **built)
    irqs = values.pop("irqs", ())
    domains = values.pop("domains", ())
    made = HostFacts(
        name="test-host",
        captured="2026-11-22T10:12:00Z",
        kernel=make_kernel(),
        cpus=topology,
        irqs=MappingProxyType({irq.number: irq for irq in irqs}),
        default_irq_affinity=topology.present,
        slices=make_slices(),
        workqueue=Workqueue(masks=((WORKQUEUE_MASK, topology.present),)),
        hugepages=(),
        services=Services(irqbalance=Irqbalance(is_running=False, banned=None), tuned_profile=None),
        domains=MappingProxyType({domain.uuid: domain for domain in domains}),
        libvirt_problem="",
        libvirt_uri="qemu:///system",
        unreadable={},
    )
    return replace(made, **values)


def make_kernel(**values: object) -> Kernel:
    """A PREEMPT_RT kernel without any isolation."""
    made = Kernel(
        release="6.12.0-rt",
        version="#1 SMP PREEMPT_RT",
        is_realtime=True,
        is_redhawk=False,
        command_line="quiet",
        isolated=EMPTY,
        nohz_full=EMPTY,
        boot_id="0f0e0d0c-0b0a-0908-0706-050403020100",
    )
    return replace(made, **values)


def make_slices(**values: object) -> Slices:
    """The slices of systemd on cgroup v2, none of them confined."""
    made = Slices(
        mode=CgroupMode.UNIFIED,
        has_systemd=True,
        slices=tuple(
            Slice(name=name, allowed=None, effective=None)
            for name in ("init.scope", "machine.slice", "system.slice", "user.slice")
        ),
        shield=None,
    )
    return replace(made, **values)


def make_vm(number: int, name: str, cpuset: str = "", **values: object) -> VirtualMachine:
    """A VM as a file gives it: attribute `cpuset` stands in line 100 * number + 1 and so on."""
    lines = ("", "cpuset", "rt", "rt_memory", "numatune", "nr_vcpus", "name", "uuid")
    sources = {
        attribute: Source("kvmrt.yaml", 100 * number + line) for line, attribute in enumerate(lines)
    }
    return VirtualMachine(
        uuid=uuid(values.pop("uuid_number", number)),
        name=name,
        cpuset=cpus(cpuset),
        sources=sources,
        **values,
    )


def make_configuration(*vms: VirtualMachine, **host: object) -> Configuration:
    """A file with these VMs; the keywords are attributes of its host part."""
    sources = {attribute: Source("kvmrt.yaml", 2) for attribute in ("", *host)}
    return Configuration(host=HostPolicy(**host, sources=sources), vms=vms, file="kvmrt.yaml")

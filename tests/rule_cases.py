# SPDX-License-Identifier: Apache-2.0
"""One small configuration and host per finding: a table that both the rules' tests and the test of the
catalogue read, so that no code is without an example.

Attribute `cpuset` of VM n stands in line 100 * n + 1, `rt` in + 2, `rt_memory` in + 3, `numatune` in
+ 4, `nr_vcpus` in + 5, `name` in + 6, `uuid` in + 7 and all others, as the VM itself, in 100 * n.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from facts_builders import (
    GIB,
    cpus,
    domain_xml,
    make_configuration,
    make_domain,
    make_host,
    make_irq,
    make_kernel,
    make_slices,
    make_vm,
    uuid,
)

from kvmrt_plan.desired.model import (
    GuestTopology,
    IrqAssignment,
    Pinning,
    SchedulerPolicy,
    ShieldBackend,
    VcpuScheduler,
)
from kvmrt_plan.diagnostics import Source
from kvmrt_plan.facts.processes import MemlockLimit
from kvmrt_plan.facts.services import Irqbalance, Services
from kvmrt_plan.facts.slices import CgroupMode, Shield
from kvmrt_plan.values.cpuset import EMPTY

if TYPE_CHECKING:
    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.facts.host import HostFacts

ERROR, WARNING, ADVICE = "error", "warning", "advice"


@dataclass(frozen=True)
class Case:
    """What is asked for on which host (None: without one), and what is found of one code."""

    name: str
    code: str
    configuration: Configuration
    host: HostFacts | None
    #: Severity, VM, line and summary of each finding with the code.
    expected: tuple[tuple[str, str | None, int | None, str], ...]


CASES: list[Case] = []


def case(name: str, configuration: Configuration, host: HostFacts | None, *expected: Any) -> None:
    """Adds a case; its code is the first word of the name."""
    CASES.append(Case(name, name.split()[0], configuration, host, expected))


def host(**values: Any) -> HostFacts:
    """Two sockets of four cores with two threads: CPUs 0-7 and their siblings 8-15, nodes 0 and 1.

    libvirt has the domains vm1 to vm9 unless `domains` says otherwise.
    """
    shape = {"sockets": 2, "cores": 4, "threads": 2, "nodes": 2}
    values.setdefault("domains", [make_domain(number, f"vm{number}") for number in range(1, 10)])
    return make_host(**{**shape, **values})


def rt(number: int, cpuset: str, **values: Any) -> Any:
    """An RT VM that is named after its number."""
    return make_vm(number, f"vm{number}", cpuset, rt=True, **values)


def vm(number: int, cpuset: str = "", **values: Any) -> Any:
    """A VM that is not RT."""
    return make_vm(number, f"vm{number}", cpuset, **values)


def of(*vms: Any, **values: Any) -> Configuration:
    """The configuration."""
    return make_configuration(*vms, **values)


def irqs(irq: int | str, cpulist: str) -> dict[str, Any]:
    """The host part with one assignment, in line 3."""
    assigned = IrqAssignment(irq=irq, cpus=cpus(cpulist), source=Source("kvmrt.yaml", 3))
    return {"irqs": (assigned,)}


FIFO = VcpuScheduler(policy=SchedulerPolicy.FIFO, priority=1)

case(
    "KR101 an RT VM without cpuset",
    of(rt(1, "")),
    None,
    (ERROR, "vm1", 101, "vm1: rt is on, but cpuset is empty"),
)
case(
    "KR102 an RT VM and another",
    of(vm(1, "1-2"), rt(2, "2-3")),
    None,
    (ERROR, "vm2", 201, "vm2: cpuset overlaps that of VM vm1 in CPU 2"),
)
case(
    "KR102 two RT VMs",
    of(rt(1, "1-3"), rt(2, "2-4")),
    host(),
    (ERROR, "vm2", 201, "vm2: cpuset overlaps that of RT VM vm1 in CPUs 2-3"),
)
case("KR102 no RT VM", of(vm(1, "1-3"), vm(2, "2-4")), host())
case(
    "KR103 too few CPUs",
    of(rt(1, "1-2", nr_vcpus=2)),
    None,
    (
        ERROR,
        "vm1",
        101,
        "vm1: cpuset 1-2 has 2 usable CPUs, but 2 vCPUs and the emulator need 3",
    ),
)
case(
    "KR103 siblings do not count",
    of(rt(1, "1,9", nr_vcpus=1)),
    host(),
    (ERROR, "vm1", 101, "vm1: cpuset 1,9 has 1 usable CPU, but 1 vCPU and the emulator need 2"),
)
case("KR103 enough", of(rt(1, "1-2", nr_vcpus=1)), host())
case(
    "KR104 two nodes",
    of(rt(1, "2-5", nr_vcpus=3)),
    host(),
    (WARNING, "vm1", 101, "vm1: cpuset spans NUMA nodes 0 and 1"),
)
case(
    "KR105 others on the node",
    of(rt(1, "1-2"), vm(2, "3"), vm(3, "4"), vm(4, "0"), vm(5, "8"), vm(6, "11"), vm(7)),
    host(),
    (WARNING, "vm1", 101, "vm1: shares NUMA node 0 with the cpuset of vm2, vm4, vm5 and vm6"),
)
case(
    "KR105 two RT VMs",
    of(rt(1, "1-2"), rt(2, "3,7")),
    host(),
    (WARNING, "vm1", 101, "vm1: shares NUMA node 0 with the cpuset of vm2"),
    (WARNING, "vm2", 201, "vm2: shares NUMA node 0 with the cpuset of vm1"),
)
case("KR105 alone on the node", of(rt(1, "1-2"), vm(2, "5")), host())
case(
    "KR106 no numatune",
    of(rt(1, "1-2", numatune=EMPTY)),
    None,
    (WARNING, "vm1", 104, "vm1: an RT VM whose numatune is empty"),
)
case(
    "KR106 memory on another node",
    of(rt(1, "1-2", numatune=cpus("0-1"))),
    host(),
    (
        WARNING,
        "vm1",
        104,
        "vm1: numatune takes memory from NUMA node 1, but cpuset lies on NUMA node 0",
    ),
)
case("KR106 auto", of(rt(1, "1-2"), vm(2, "5", numatune=cpus("0"))), host())
case(
    "KR107 memory of others",
    of(rt(1, "1-2"), vm(2, "5", numatune=cpus("0-1"))),
    host(),
    (WARNING, "vm1", 101, "vm1: memory of NUMA node 0 is also given to vm2"),
)
case("KR107 own node", of(rt(1, "1-2"), vm(2, "5"), vm(3)), host())
case(
    "KR108 no CPU left",
    of(rt(1, "0-3"), rt(2, "4-7")),
    host(),
    (ERROR, None, 201, "the RT VMs take all CPUs of the host"),
)
case(
    "KR108 no housekeeping",
    of(rt(1, "0-3"), housekeeping=EMPTY),
    host(),
    (ERROR, None, 2, "no housekeeping CPU is left to the host"),
)
case("KR108 one core left", of(rt(1, "1-3"), rt(2, "4-7")), host())
case(
    "KR109 rt_memory off",
    of(rt(1, "1-2", rt_memory=False)),
    None,
    (ERROR, "vm1", 103, "vm1: rt is on, but rt_memory is off"),
)
case(
    "KR110 no such CPU",
    of(vm(1, "7,16-17")),
    host(),
    (ERROR, "vm1", 101, "vm1: CPUs 16-17 of cpuset 7,16-17 do not exist"),
)
case(
    "KR111 offline CPU",
    of(vm(1, "1,9")),
    host(offline="9"),
    (ERROR, "vm1", 101, "vm1: CPU 9 of cpuset 1,9 is offline"),
)
case(
    "KR111 both CPUs of a core",
    of(rt(1, "1-2,10", nr_vcpus=1)),
    host(offline="2,10"),
    (ERROR, "vm1", 101, "vm1: CPU 2 of cpuset 1-2,10 is offline"),
)
case("KR111 its own sibling", of(rt(1, "1-2,10", nr_vcpus=1)), host(offline="9-10"))
case(
    "KR112 no such node",
    of(vm(1, "1", numatune=cpus("0,3"))),
    host(),
    (ERROR, "vm1", 104, "vm1: NUMA node 3 of numatune 0,3 does not exist"),
)
case(
    "KR112 a node without memory",
    of(vm(1, "1-4")),
    host(memory_kib=0),
    (WARNING, "vm1", 104, "vm1: NUMA nodes 0 and 1 of its memory have no memory"),
)
case("KR112 node 0 without NUMA", of(vm(1, "1", numatune=cpus("0"))), host(nodes=0))
case(
    "KR113 one core",
    of(vm(1, "10"), rt(2, "2-3", nr_vcpus=1)),
    host(),
    (ERROR, "vm2", 201, "vm2: shares the core of CPU 10 with VM vm1 through siblings"),
)
case(
    "KR113 one core of two RT VMs",
    of(rt(1, "2"), rt(2, "10")),
    host(),
    (ERROR, "vm2", 201, "vm2: shares the core of CPUs 2,10 with RT VM vm1 through siblings"),
)
case("KR113 a direct overlap is KR102", of(rt(1, "2"), rt(2, "2")), host())
case(
    "KR114 one name twice",
    of(vm(1), replace(vm(2), name="vm1")),
    None,
    (
        ERROR,
        "vm1",
        206,
        f"vm1: the name of two VMs, {uuid(1)} and {uuid(2)}",
    ),
)
case(
    "KR115 one UUID twice",
    of(vm(1), vm(2, uuid_number=1)),
    None,
    (ERROR, "vm2", 207, f"vm2: has the UUID of vm1, {uuid(1)}"),
)
case(
    "KR116 not in libvirt",
    of(vm(1), vm(77)),
    host(),
    (ERROR, "vm77", 7707, f"vm77: libvirt has no domain with the UUID {uuid(77)}"),
)
case("KR116 libvirt is silent", of(vm(77)), host(libvirt_problem="refused", domains=()))
case(
    "KR117 another product",
    of(vm(1, nr_vcpus=4, cpu_topology=GuestTopology(1, 2, 1))),
    None,
    (ERROR, "vm1", 100, "vm1: cpu_topology 1,2,1 makes 2 vCPUs, but nr_vcpus is 4"),
)
case(
    "KR118 one CPU for both",
    of(vm(1, "3", vcpu_scheduler=FIFO)),
    None,
    (
        ERROR,
        "vm1",
        100,
        "vm1: vCPUs with policy fifo share CPU 3 with their emulator thread",
    ),
)
case("KR118 two CPUs", of(vm(1, "3-4", vcpu_scheduler=FIFO)), None)
case(
    "KR119 several CPUs per vCPU",
    of(vm(1, "1-5", nr_vcpus=2)),
    host(kernel=make_kernel(isolated=cpus("2-5"))),
    (
        WARNING,
        "vm1",
        101,
        "vm1: vCPUs 0-1 may use several of CPUs 2-5, between which the kernel does not balance "
        "load (isolcpus=)",
    ),
)
case(
    "KR119 no pins",
    of(vm(1)),
    host(kernel=make_kernel(isolated=cpus("2-5"))),
    (
        WARNING,
        "vm1",
        101,
        "vm1: is not pinned and may run on CPUs 2-5, between which the kernel does not balance "
        "load (isolcpus=)",
    ),
)
case("KR119 one each", of(vm(1, "1-5", nr_vcpus=4)), host(kernel=make_kernel(isolated=cpus("2-5"))))
case(
    "KR120 larger than the node",
    of(rt(1, "1-2")),
    host(domains=[make_domain(1, "vm1", xml=domain_xml(1, "vm1", memory_kib=20 * GIB))]),
    (
        ERROR,
        "vm1",
        104,
        "vm1: its 20 GiB of memory are to be locked, but NUMA node 0 has 16 GiB",
    ),
)
case(
    "KR120 together larger than the node",
    of(rt(1, "1"), rt(2, "2"), rt(3, "3", autostart=False)),
    host(
        domains=[
            make_domain(number, f"vm{number}", xml=domain_xml(number, "x", memory_kib=10 * GIB))
            for number in (1, 2, 3)
        ]
    ),
    (
        ERROR,
        None,
        204,
        "vm1 and vm2 lock 20 GiB of memory together, but NUMA node 0 has 16 GiB",
    ),
)
FULL = host(domains=[make_domain(1, "vm1", xml=domain_xml(1, "vm1", memory_kib=2 * GIB))])
FULL = replace(
    FULL,
    cpus=replace(
        FULL.cpus,
        nodes={id_: replace(node, free_kib=GIB) for id_, node in FULL.cpus.nodes.items()},
    ),
)
case(
    "KR120 larger than what is free",
    of(rt(1, "1-2")),
    FULL,
    (
        WARNING,
        "vm1",
        104,
        "vm1: its 2 GiB of memory are to be locked, but NUMA node 0 has 1 GiB free",
    ),
)
case("KR120 enough together with huge pages", of(rt(1, "1-3", hugepages="1G")), FULL)
case(
    "KR121 an RT VM",
    of(rt(1, "1-2")),
    host(domains=[make_domain(1, "vm1", has_autostart=True)]),
    (
        WARNING,
        "vm1",
        100,
        "vm1: libvirt's autostart starts it before its CPUs are shielded",
    ),
)
case(
    "KR121 other VMs",
    of(vm(1), vm(2, autostart=False)),
    host(domains=[make_domain(number, f"vm{number}", has_autostart=True) for number in (1, 2)]),
    (ADVICE, "vm1", 100, "vm1: both libvirt's autostart and kvmrt start it"),
    (ADVICE, "vm2", 200, "vm2: libvirt's autostart starts it, though its autostart is off"),
)


def limited(limit_kib: int) -> HostFacts:
    """vm1 has 2 GiB and this hard_limit."""
    inner = f"<memtune><hard_limit unit='KiB'>{limit_kib}</hard_limit></memtune>"
    text = domain_xml(1, "vm1", memory_kib=2 * GIB, inner=inner)
    return host(domains=[make_domain(1, "vm1", xml=text)])


case(
    "KR122 a limit below the memory",
    of(rt(1, "1-2")),
    limited(GIB),
    (
        ERROR,
        "vm1",
        103,
        "vm1: memtune's hard_limit of 1 GiB is less than its 2 GiB of memory and what QEMU "
        "itself needs",
    ),
)
case(
    "KR122 a limit without room for QEMU",
    of(rt(1, "1-2")),
    limited(2 * GIB + GIB // 2),
    (
        WARNING,
        "vm1",
        103,
        "vm1: memtune's hard_limit of 2.5 GiB is less than its 2 GiB of memory and what QEMU "
        "itself needs",
    ),
)
case("KR122 a limit that is high enough", of(rt(1, "1-2")), limited(4 * GIB))
case(
    "KR122 a session",
    of(rt(1, "1-2")),
    host(libvirt_uri="qemu:///session", libvirt_memlock=MemlockLimit(kib=8192)),
    (
        ERROR,
        "vm1",
        103,
        "vm1: libvirt's own limit of locked memory, 8 MiB, is less than its 1 GiB of memory and "
        "what QEMU itself needs",
    ),
)
case("KR122 root raises the limit", of(rt(1, "1-2")), host(libvirt_memlock=MemlockLimit(kib=8192)))
case(
    "KR123 CPU 0",
    of(rt(1, "0-1")),
    host(),
    (WARNING, "vm1", 101, "vm1: CPU 0 belongs to an RT VM"),
)
case(
    "KR124 an RT VM's CPU",
    of(rt(1, "1-2"), housekeeping=cpus("0,9")),
    None,
)
case(
    "KR124 an RT VM's sibling",
    of(rt(1, "1-2"), housekeeping=cpus("0,9")),
    host(),
    (ERROR, None, 2, "housekeeping 0,9 takes CPU 9 of the RT VM vm1"),
)
case(
    "KR124 an offline CPU",
    of(housekeeping=cpus("0,9")),
    host(offline="9"),
    (ERROR, None, 2, "housekeeping 0,9 names CPU 9, which is offline"),
)
PINNED = "<cputune><vcpupin vcpu='0' cpuset='5'/><emulatorpin cpuset='5'/></cputune>"
case(
    "KR125 VMs without cpuset",
    of(rt(1, "1-2"), vm(2), vm(3, autostart=False)),
    host(),
    (WARNING, "vm2", 201, "vm2: may run on CPUs 1-2,9-10 of RT VMs"),
)
case(
    "KR125 domains outside of the configuration",
    of(rt(1, "1-2")),
    host(
        domains=[
            make_domain(1, "vm1"),
            make_domain(2, "off"),
            make_domain(3, "runs", running=True),
            make_domain(4, "starts", has_autostart=True),
            make_domain(5, "pinned", running=True, xml=domain_xml(5, "pinned", inner=PINNED)),
        ]
    ),
    (
        WARNING,
        "runs",
        None,
        "runs (not in the configuration): may run on CPUs 1-2,9-10 of RT VMs",
    ),
    (
        WARNING,
        "starts",
        None,
        "starts (not in the configuration): may run on CPUs 1-2,9-10 of RT VMs",
    ),
)
case(
    "KR125 libvirt's own pins",
    of(rt(1, "1-2"), vm(2, pinning=Pinning.LIBVIRT), vm(3, pinning=Pinning.LIBVIRT)),
    host(
        domains=[
            make_domain(1, "vm1"),
            make_domain(2, "vm2", xml=domain_xml(2, "vm2", inner=PINNED)),
            make_domain(3, "vm3", xml=domain_xml(3, "vm3", inner=PINNED.replace("5", "0-9,^1"))),
        ]
    ),
    (WARNING, "vm3", 301, "vm3: may run on CPUs 2,9 of RT VMs"),
)
case(
    "KR126 a running guest",
    of(make_vm(1, "new")),
    host(domains=[make_domain(1, "old", running=True)]),
    (WARNING, "new", 106, "new: the domain old is renamed once it is off"),
)
case("KR126 a guest that is off", of(make_vm(1, "new")), host(domains=[make_domain(1, "old")]))
case(
    "KR127 a name that is taken",
    of(make_vm(1, "new")),
    host(domains=[make_domain(1, "old"), make_domain(2, "new")]),
    (ERROR, "new", 106, "new: old cannot be renamed, another domain has that name"),
)
case(
    "KR128 few CPUs",
    of(vm(1, "1-2", nr_vcpus=2)),
    None,
    (
        ADVICE,
        "vm1",
        101,
        "vm1: cpuset 1-2 has 2 CPUs for 2 vCPUs and the emulator, so that some share one",
    ),
)
case("KR128 enough, or none", of(vm(1, "1-3", nr_vcpus=2), vm(2)), None)
NIC = make_irq(40, "0", driver="ixgbe", interfaces=("eth0",))
case(
    "KR129 no such interrupt",
    of(**irqs(41, "0")),
    host(irqs=[NIC]),
    (WARNING, None, 3, "irqs: this host has no interrupt 41"),
)
case(
    "KR129 no such interface",
    of(**irqs("eth1", "0")),
    host(irqs=[NIC]),
    (WARNING, None, 3, "irqs: this host has no interface or driver eth1"),
)
case("KR129 an interface", of(**irqs("eth0", "0")), host(irqs=[NIC]))
case("KR129 a driver", of(**irqs("ixgbe", "0")), host(irqs=[NIC]))
case("KR129 a number", of(**irqs(40, "0")), host(irqs=[NIC]))
case(
    "KR130 no such CPU",
    of(**irqs(40, "0,99")),
    host(irqs=[NIC]),
    (ERROR, None, 3, "irqs: 40 is assigned to CPUs that not all exist: 99"),
)
case(
    "KR130 an offline CPU",
    of(**irqs(40, "0,9")),
    host(irqs=[NIC], offline="9"),
    (ERROR, None, 3, "irqs: 40 is assigned to CPUs that not all are online: 9"),
)
case(
    "KR130 a CPU that goes offline",
    of(rt(1, "1-2"), **irqs(40, "9")),
    host(irqs=[NIC]),
    (
        ERROR,
        None,
        3,
        "irqs: 40 is assigned to CPU 9, to be taken offline as siblings of an RT VM's CPUs",
    ),
    (ADVICE, None, 3, "irqs: 40 interrupts CPU 9 of the RT VM vm1"),
)
case(
    "KR130 an RT VM's CPU",
    of(rt(1, "1-2"), **irqs("eth0", "1")),
    None,
    (ADVICE, None, 3, "irqs: eth0 interrupts CPU 1 of the RT VM vm1"),
)
case(
    "KR131 CPU 0 as a sibling",
    of(rt(1, "8-9", nr_vcpus=1)),
    host(),
    (
        ERROR,
        "vm1",
        101,
        "vm1: CPU 0 must go offline as a sibling of its cpuset 8-9, but cannot",
    ),
)
case(
    "KR132 a transient domain",
    of(vm(1)),
    host(domains=[make_domain(1, "vm1", running=True, is_persistent=False, xml="")]),
    (ERROR, "vm1", 100, "vm1: its libvirt domain is transient"),
)
case(
    "KR133 a whole node",
    of(rt(1, "4-7", nr_vcpus=3)),
    host(),
    (WARNING, None, None, "NUMA node 1 has no housekeeping CPU left"),
)
case("KR133 a core is left", of(rt(1, "5-7", nr_vcpus=2)), host())
case(
    "KR201 libvirt is silent",
    of(vm(1)),
    host(libvirt_problem="connection refused", domains=()),
    (
        WARNING,
        None,
        None,
        "libvirt's domains are not known (qemu:///system): nothing is planned for the VMs "
        "themselves",
    ),
)
case("KR201 no VM", of(), host(libvirt_problem="connection refused", domains=()))
case(
    "KR202 refused texts",
    of(),
    host(
        unreadable={
            "/proc/irq/4/smp_affinity_list": "EACCES",
            "/proc/irq/5/smp_affinity_list": "EACCES",
            "/proc/irq/5/effective_affinity_list": "EIO",
            "/sys/kernel/unrelated": "EACCES",
        }
    ),
    (
        WARNING,
        None,
        None,
        "1 text about interrupts could not be read (EIO): /proc/irq/5/effective_affinity_list",
    ),
    (
        WARNING,
        None,
        None,
        "2 texts about interrupts could not be read (EACCES): /proc/irq/{4-5}/smp_affinity_list",
    ),
)
case(
    "KR203 forgotten siblings",
    of(rt(1, "1-2")),
    host(offline="9,11", recorded=False),
    (WARNING, None, None, "the siblings of CPUs 9,11 are not known, because they are offline"),
)
case("KR203 recorded siblings", of(rt(1, "1-2")), host(offline="9,11"))
case("KR203 no RT VM", of(vm(1, "1-2")), host(offline="9,11", recorded=False))
V1 = make_slices(mode=CgroupMode.LEGACY)
case(
    "KR204 cgroup v1",
    of(rt(1, "1-2")),
    host(slices=V1),
    (
        WARNING,
        None,
        2,
        "shield auto: the cpuset controller is not on cgroup v2 (it is on: v1), so that tasks of "
        "the host may run on CPUs 1-2,9-10 of RT VMs",
    ),
)
case(
    "KR204 no shield in the kernel",
    of(rt(1, "1-2"), shield=ShieldBackend.REDHAWK),
    host(),
    (
        WARNING,
        None,
        2,
        "shield redhawk: the kernel has no /proc/shield, so that tasks of the host may run on "
        "CPUs 1-2,9-10 of RT VMs",
    ),
)
case("KR204 none asked for", of(rt(1, "1-2"), shield=ShieldBackend.NONE), host(slices=V1))
case("KR204 no RT VM that holds policies", of(rt(1, "1-2", autostart=False)), host(slices=V1))
case(
    "KR204 RedHawk",
    of(rt(1, "1-2")),
    host(
        slices=make_slices(
            mode=CgroupMode.LEGACY,
            shield=Shield(processes=EMPTY, irqs=EMPTY, local_timers=EMPTY),
        )
    ),
)
case(
    "KR205 managed interrupts",
    of(rt(1, "1-2")),
    host(
        irqs=[
            make_irq(60, "0-1", effective=cpus("1"), is_managed=True, driver="nvme", device="d1"),
            make_irq(61, "2-3", effective=cpus("2"), is_managed=True, driver="nvme", device="d1"),
            make_irq(62, "4-5", effective=cpus("4"), is_managed=True, driver="nvme", device="d1"),
            make_irq(70, "2", effective=None, is_managed=True, driver="nvme", device="d2"),
            make_irq(80, "1", driver="ixgbe"),
        ]
    ),
    (
        WARNING,
        None,
        None,
        "1 managed interrupt of nvme d2 (70) goes to CPU 2 of RT VMs",
    ),
    (
        WARNING,
        None,
        None,
        "2 managed interrupts of nvme d1 (60-61) go to CPUs 1-2 of RT VMs",
    ),
)


def balanced(banned: str | None) -> Services:
    """Irqbalance runs with this list."""
    settings = None if banned is None else cpus(banned)
    return Services(
        irqbalance=Irqbalance(is_running=True, banned=settings, file="/etc/default/irqbalance"),
        tuned_profile=None,
    )


case(
    "KR206 no ban",
    of(rt(1, "1-2")),
    host(services=balanced(None)),
    (
        WARNING,
        None,
        None,
        "irqbalance is running and may move interrupts to CPUs 1-2,9-10 of RT VMs within seconds",
    ),
)
case(
    "KR206 a ban of other CPUs",
    of(rt(1, "1-2")),
    host(services=balanced("2-5,10")),
    (
        WARNING,
        None,
        None,
        "irqbalance is running and may move interrupts to CPUs 1,9 of RT VMs within seconds",
    ),
)
case("KR206 a ban", of(rt(1, "1-2")), host(services=balanced("1-2,9-10")))
case(
    "KR206 boot isolation is banned by itself",
    of(rt(1, "1-2")),
    host(services=balanced(None), kernel=make_kernel(isolated=cpus("1-2"), nohz_full=cpus("9-10"))),
)
TUNED = Services(irqbalance=Irqbalance(is_running=False, banned=None), tuned_profile="realtime")
case(
    "KR207 a profile",
    of(rt(1, "1-2")),
    host(services=TUNED),
    (WARNING, None, None, "TuneD is active with the profile realtime"),
)
case("KR207 no RT VM", of(vm(1, "1-2")), host(services=TUNED))
GENERIC = make_kernel(is_realtime=False, release="6.1.0-28-amd64")
case(
    "KR208 a generic kernel",
    of(rt(1, "1-2")),
    host(kernel=GENERIC),
    (WARNING, None, None, "the kernel 6.1.0-28-amd64 is neither PREEMPT_RT nor RedHawk"),
)
case("KR208 no RT VM", of(vm(1, "1-2")), host(kernel=GENERIC))

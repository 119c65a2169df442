# SPDX-License-Identifier: Apache-2.0
"""Cases about CPUs, nodes and what identifies a VM."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import (
    cpus,
    make_kernel,
    uuid,
)
from rule_case import ERROR, WARNING, case, host, of, rt, vm

from kvmrt_plan.desired.model import GuestTopology
from kvmrt_plan.desired.thread_scheduler import SchedulerPolicy, ThreadScheduler
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.values.cpuset import EMPTY

FIFO = ThreadScheduler(policy=SchedulerPolicy.FIFO, priority=1)

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
    "KR111 a CPU that kvmrt brings back",
    of(vm(1, "1,9")),
    host(offline="9", held={"cpu/9": HeldValue(original="online", written="offline")}),
)
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
HIGH = ThreadScheduler(policy=SchedulerPolicy.RR, priority=5)
case(
    "KR135 vCPUs without a priority",
    of(vm(1, "3", emulator_scheduler=FIFO)),
    None,
    (WARNING, "vm1", 100, "vm1: emulator_scheduler fifo 1 goes before its vCPUs on CPU 3"),
)
case(
    "KR135 another guest's vCPUs",
    of(
        vm(1, "3", iothreads=1, iothread_scheduler=HIGH),
        vm(2, "2-3", vcpu_scheduler=HIGH),
        vm(3, "2-3", vcpu_scheduler=FIFO),
    ),
    None,
    (WARNING, "vm1", 100, "vm1: iothread_scheduler rr 5 goes before its vCPUs on CPU 3"),
    (WARNING, "vm1", 100, "vm1: iothread_scheduler rr 5 goes before vm2's vCPUs on CPU 3"),
    (WARNING, "vm1", 100, "vm1: iothread_scheduler rr 5 goes before vm3's vCPUs on CPU 3"),
)
case(
    "KR135 CPUs of their own, and a vCPU above",
    of(
        vm(1, "3-4", emulator_scheduler=HIGH, iothread_scheduler=HIGH),
        vm(2, "5-6", emulator_scheduler=FIFO),
        vm(3, "5,7", vcpu_scheduler=FIFO),
    ),
    None,
)
case(
    "KR145 no iothread",
    of(vm(1, iothreads=0, iothread_scheduler=FIFO), vm(2, iothread_scheduler=FIFO)),
    host(),
    (WARNING, "vm1", 100, "vm1: iothread_scheduler is set, but it has no iothread"),
    (WARNING, "vm2", 200, "vm2: iothread_scheduler is set, but it has no iothread"),
)
case("KR145 with an iothread", of(vm(1, iothreads=1, iothread_scheduler=FIFO)), host())
case(
    "KR119 several CPUs per vCPU",
    of(vm(1, "1-5", nr_vcpus=2)),
    host(kernel=make_kernel(isolated=cpus("2-5"))),
    (
        WARNING,
        "vm1",
        101,
        (
            "vm1: vCPUs 0-1 may use several of CPUs 2-5, between which the kernel does not balance "
            "load (isolcpus=)"
        ),
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
        (
            "vm1: is not pinned and may run on CPUs 2-5, between which the kernel does not balance "
            "load (isolcpus=)"
        ),
    ),
)
case("KR119 one each", of(vm(1, "1-5", nr_vcpus=4)), host(kernel=make_kernel(isolated=cpus("2-5"))))

# SPDX-License-Identifier: Apache-2.0
"""Cases about the host and its interrupts, kernel and services."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import (
    WORKQUEUE_MASK,
    cpus,
    make_domain,
    make_irq,
    make_kernel,
    make_slices,
    uuid,
)
from rule_case import ADVICE, ERROR, WARNING, case, host, irqs, of, rt, vm

from kvmrt_plan.desired.irqbalance import IrqbalancePolicy
from kvmrt_plan.desired.kthread_model import Above, KernelThreads, Unbound
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.desired.thread_scheduler import SchedulerPolicy, ThreadScheduler
from kvmrt_plan.facts.domain import Thread
from kvmrt_plan.facts.irqbalance import Irqbalance
from kvmrt_plan.facts.kthreads import KernelThread
from kvmrt_plan.facts.services import Services
from kvmrt_plan.facts.slices import CgroupMode, Shield, Slice, Slices
from kvmrt_plan.facts.workqueue import Workqueue
from kvmrt_plan.values.cpuset import EMPTY

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
        ERROR,
        None,
        None,
        (
            "libvirt's domains are not known (qemu:///system): nothing is planned for the VMs "
            "themselves"
        ),
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
case("KR204 cgroup v1", of(rt(1, "1-2")), host(slices=V1))
case(
    "KR204 no cpusets of cgroup v1",
    of(rt(1, "1-2"), shield=ShieldBackend.CPUSET_V1),
    host(),
    (
        WARNING,
        None,
        2,
        (
            "shield cpuset-v1: no hierarchy of cgroup v1 with cpusets is known of this host, so that tasks "
            "of the host may run on CPUs 1-2,9-10 of RT VMs"
        ),
    ),
)
case(
    "KR204 cgroup v1, and slices are asked for",
    of(rt(1, "1-2"), shield=ShieldBackend.ALLOWED_CPUS),
    host(slices=V1),
    (
        WARNING,
        None,
        2,
        (
            "shield allowed-cpus: the cpuset controller is on cgroup v1, not v2, so that tasks of the host "
            "may run on CPUs 1-2,9-10 of RT VMs"
        ),
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
        (
            "shield redhawk: the kernel has no /proc/shield, so that tasks of the host may run on "
            "CPUs 1-2,9-10 of RT VMs"
        ),
    ),
)
VM1_RUNS = [replace(make_domain(1, "vm1"), live_xml=make_domain(1, "vm1").xml, state="running")]
PARTITIONS = make_slices(has_partitions=True)
OWN = "kvmrt" + uuid(1).hex + ".slice"


THREAD = Thread(tid=1, name="CPU 0/KVM", affinity=cpus("2-3"), policy="SCHED_OTHER", priority=0,
                last_cpu=2)  # fmt: skip


def beside(name: str, **values: object) -> Slices:
    """Slices with one more."""
    other = Slice(name=name, effective=None, **{"allowed": cpus("2-3"), **values})
    return replace(PARTITIONS, slices=(*PARTITIONS.slices, other))


case(
    "KR209 the guest runs in libvirt's slice",
    of(rt(1, "1-2")),
    host(slices=PARTITIONS, domains=VM1_RUNS),
    (
        ADVICE,
        "vm1",
        101,
        "vm1: CPUs 1-2,9-10 are no partition of their own: the guest runs elsewhere until it restarts",
    ),
)
case(
    "KR209 another cgroup has a CPU of it",
    of(rt(1, "1-2")),
    host(slices=beside("docker")),
    (
        WARNING,
        "vm1",
        101,
        (
            "vm1: CPUs 1-2,9-10 are no partition of their own: the cgroup docker has CPUs 2, and is no "
            "unit of systemd"
        ),
    ),
)
case(
    "KR209 another partition has a CPU of it",
    of(rt(1, "1-2")),
    host(slices=beside("dpdk.slice", partition="isolated")),
    (
        WARNING,
        "vm1",
        101,
        (
            "vm1: CPUs 1-2,9-10 are no partition of their own: dpdk.slice has CPUs 2, and is a partition "
            "of its own"
        ),
    ),
)
case(
    "KR209 threads of another guest are bound there",
    of(rt(1, "1-2")),
    host(
        slices=PARTITIONS,
        domains=[make_domain(1, "vm1"), replace(make_domain(7, "db"), threads=(THREAD,))],
    ),
    (
        WARNING,
        "vm1",
        101,
        "vm1: CPUs 1-2,9-10 are no partition of their own: threads of db are bound to CPUs 2",
    ),
)
case(
    "KR209 the guest runs in libvirt's slice, without partitions",
    of(rt(1, "1-2")),
    host(domains=VM1_RUNS),
    (
        ADVICE,
        "vm1",
        101,
        "vm1: CPUs 1-2,9-10 are no slice of their own: the guest runs elsewhere until it restarts",
    ),
)
case("KR209 a unit that systemd narrows", of(rt(1, "1-2")), host(slices=beside("x.slice")))
case("KR209 nothing in the way", of(rt(1, "1-2")), host(slices=PARTITIONS))
case(
    "KR210 a kernel without partitions",
    of(rt(1, "1-2"), shield=ShieldBackend.PARTITION),
    host(),
    (
        WARNING,
        None,
        2,
        (
            "shield partition: the kernel is not known to have isolated partitions, so that AllowedCPUs= "
            "of systemd's units is used"
        ),
    ),
)
case(
    "KR210 cgroup v1",
    of(rt(1, "1-2"), shield=ShieldBackend.PARTITION),
    host(slices=V1),
    (
        WARNING,
        None,
        2,
        (
            "shield partition: the kernel is not known to have isolated partitions, so that a cpuset of "
            "cgroup v1 is used"
        ),
    ),
)
case("KR210 nothing asked for", of(rt(1, "1-2")), host())
case(
    "KR211 AllowedCPUs= of systemd's units",
    of(rt(1, "1-2")),
    host(),
    (
        ADVICE,
        None,
        2,
        "the shield (allowed-cpus) leaves the kernel's threads and the tick on CPUs 1-2,9-10 of RT VMs",
    ),
)
case(
    "KR211 unbound threads that are moved",
    of(rt(1, "1-2"), kernel_threads=KernelThreads(unbound=Unbound.HOUSEKEEPING)),
    host(),
    (ADVICE, None, 2, "the shield (allowed-cpus) leaves the tick on CPU 2 of RT VMs"),
)
case(
    "KR211 a partition",
    of(rt(1, "1-2")),
    host(slices=PARTITIONS),
    (ADVICE, None, 2, "the shield (partition) leaves the tick on CPU 2 of RT VMs"),
)
case(
    "KR211 one VM has no partition yet",
    of(rt(1, "1-2"), rt(2, "5-6")),
    host(
        slices=PARTITIONS,
        domains=[*VM1_RUNS, make_domain(2, "vm2")],
        kernel=make_kernel(nohz_full=cpus("2,6")),
    ),
    (
        ADVICE,
        None,
        2,
        (
            "the shield (partition) leaves the kernel's threads and guests without pins on CPUs 1-2,9-10 of "
            "RT VMs"
        ),
    ),
)
case(
    "KR211 nothing is left",
    of(rt(1, "1-2")),
    host(slices=PARTITIONS, kernel=make_kernel(nohz_full=cpus("2"))),
)
case("KR211 no shield is wanted", of(rt(1, "1-2"), shield=ShieldBackend.NONE), host())
case("KR211 no RT VM that holds policies", of(rt(1, "1-2", autostart=False)), host())
case(
    "KR211 RedHawk",
    of(rt(1, "1-2")),
    host(slices=make_slices(shield=Shield(processes=EMPTY, irqs=EMPTY, local_timers=EMPTY))),
)
case(
    "KR211 kernel threads are moved one by one",
    of(rt(1, "1-2"), kernel_threads=KernelThreads(unbound=Unbound.HOUSEKEEPING)),
    host(kernel=make_kernel(nohz_full=cpus("2"))),
)
case(
    "KR211 cgroup v1",
    of(rt(1, "1-2")),
    host(slices=V1, kernel=make_kernel(nohz_full=cpus("2"))),
    (
        ADVICE,
        None,
        2,
        (
            "the shield (cpuset-v1) leaves the kernel's threads and guests without pins on CPUs 1-2,9-10 of "
            "RT VMs"
        ),
    ),
)
OTHERS = {
    "docker": cpus("0-15"),
    "docker/1": cpus("2"),
    "kvmrt": cpus("0,3"),
    "machine": cpus("0-15"),
}
case(
    "KR244 guests in no cpuset",
    of(rt(1, "1-2")),
    host(slices=V1, domains=VM1_RUNS),
    (WARNING, None, 2, "libvirt gives guests no cpusets: vm1 runs without"),
)
case(
    "KR244 guests in cpusets",
    of(rt(1, "1-2")),
    host(slices=replace(V1, cpusets=OTHERS), domains=VM1_RUNS),
)
case("KR244 no guest runs", of(rt(1, "1-2")), host(slices=V1))
case("KR244 cgroup v2", of(rt(1, "1-2")), host(domains=VM1_RUNS))
case(
    "KR245 a cpuset of docker",
    of(rt(1, "1-2")),
    host(slices=replace(V1, cpusets=OTHERS)),
    (WARNING, None, None, "the cpuset docker has CPUs 1-2,9-10 of RT VMs"),
)
case("KR245 none", of(rt(1, "1-2")), host(slices=replace(V1, cpusets={"machine": cpus("0-15")})))
STATIC = make_kernel(command_line="quiet isolcpus=2,9-10 ro", isolated=cpus("2,9-10"))
NO_CGROUPS = make_slices(mode=CgroupMode.NONE)
case(
    "KR204 isolcpus= is the shield",
    of(rt(1, "1-2")),
    host(slices=NO_CGROUPS, kernel=STATIC),
)
case(
    "KR211 isolcpus= is the shield",
    of(rt(1, "1-2")),
    host(slices=NO_CGROUPS, kernel=STATIC),
    (
        ADVICE,
        None,
        2,
        (
            "the shield (static) leaves guests without pins and tasks that choose their CPUs and the tick "
            "on CPUs 1-2,9-10 of RT VMs"
        ),
    ),
)
case(
    "KR212 isolcpus= lacks a CPU",
    of(rt(1, "1-2")),
    host(slices=NO_CGROUPS, kernel=STATIC),
    (
        WARNING,
        None,
        2,
        "shield static: of the CPUs of RT VMs, boot isolates 2,9-10, and not CPU 1",
    ),
)
case(
    "KR212 nothing is isolated, and that is asked for",
    of(rt(1, "1-2"), shield=ShieldBackend.STATIC),
    host(),
    (
        WARNING,
        None,
        2,
        "shield static: of the CPUs of RT VMs, boot isolates none, and not CPUs 1-2,9-10",
    ),
)
case("KR212 all are isolated", of(rt(1, "2")), host(slices=NO_CGROUPS, kernel=STATIC))
case("KR212 a stronger shield is there", of(rt(1, "1-2")), host(kernel=STATIC))
case(
    "KR214 a partition of CPUs of isolcpus=",
    of(rt(1, "1-2")),
    host(slices=PARTITIONS, kernel=STATIC),
    (
        WARNING,
        "vm1",
        101,
        "vm1: its partition takes CPUs 2,9-10, which isolcpus= isolates already",
    ),
)
case(
    "KR214 it is made",
    of(rt(1, "1-2")),
    host(slices=beside(OWN, partition="isolated"), kernel=STATIC),
)
case(
    "KR214 partitions are what isolates",
    of(rt(1, "1-2")),
    host(slices=PARTITIONS, kernel=make_kernel(isolated=cpus("2,9-10"))),
)
case(
    "KR213 a partition that another unit has made invalid",
    of(rt(1, "1-2")),
    host(slices=beside(OWN, partition="isolated invalid (Cpu list in cpuset.cpus not exclusive)")),
    (
        WARNING,
        None,
        None,
        "vm1: its partition is isolated invalid (Cpu list in cpuset.cpus not exclusive)",
    ),
)
case("KR213 a valid one", of(rt(1, "1-2")), host(slices=beside(OWN, partition="isolated")))
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
MANAGED = {"irqbalance": IrqbalancePolicy.MANAGED}
UNTOLD = Irqbalance(is_running=True, banned=None, file="/etc/default/irqbalance")
case(
    "KR223 no socket",
    of(rt(1, "1-2"), **MANAGED),
    host(services=Services(irqbalance=UNTOLD, tuned_profile=None)),
    (WARNING, None, 2, "irqbalance cannot be told everything: its socket does not answer"),
)
case(
    "KR223 no settings",
    of(rt(1, "1-2"), **MANAGED),
    host(
        services=Services(
            irqbalance=Irqbalance(is_running=True, banned=None, live=EMPTY), tuned_profile=None
        )
    ),
    (WARNING, None, 2, "irqbalance cannot be told everything: its settings are not known"),
)
case(
    "KR223 both",
    of(rt(1, "1-2"), **MANAGED),
    host(services=Services(irqbalance=replace(UNTOLD, live=EMPTY), tuned_profile=None)),
)
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

#: vm1 runs, and nobody has cleared its CPUs.
RUNS = host(domains=[make_domain(1, "vm1", running=True)])
case(
    "KR134 started behind our back",
    of(rt(1, "1-2")),
    RUNS,
    (WARNING, "vm1", 102, "vm1: runs without its policies"),
)
case("KR134 not of a VM that is off", of(rt(1, "1-2")), host())
case("KR134 not of a VM that is not real-time", of(vm(1, "1-2")), RUNS)
case(
    "KR134 not of a VM whose policies are held", of(rt(1, "1-2")), replace(RUNS, holders={uuid(1)})
)
case(
    "KR134 not where somebody else has cleared its CPUs",
    of(rt(1, "1-2")),
    replace(
        host(domains=[make_domain(1, "vm1", running=True)], offline="9-10"),
        workqueue=Workqueue(masks=((WORKQUEUE_MASK, cpus("0,3-8,11-15")),)),
        default_irq_affinity=cpus("0,3-8,11-15"),
    ),
)

BUSY = Thread(tid=2, name="CPU 0/KVM", affinity=cpus("2"), policy="SCHED_FIFO", priority=2,
              last_cpu=2)  # fmt: skip
RUNNING_BUSY = [replace(VM1_RUNS[0], threads=(BUSY,))]
NOTICED = (WARNING, None, 101, "vm1 will notice how CPUs 9-10 are switched")
UNLIMITED = {"sysctl/kernel.sched_rt_runtime_us": "-1"}
case(
    "KR138 priority below the vCPU's and no limit",
    of(rt(1, "1-2")),
    replace(host(domains=RUNNING_BUSY), kthreads={2: 1}, knobs=UNLIMITED),
    (
        ERROR,
        "vm1",
        None,
        "vm1: CPUs 9-10 would be switched beside its thread CPU 0/KVM, and that may hang for ever",
    ),
)
case(
    "KR138 the limit is about to go",
    of(rt(1, "1-2"), rt_throttling=False),
    replace(host(domains=RUNNING_BUSY), kthreads={2: 2}),
    (
        ERROR,
        "vm1",
        None,
        "vm1: CPUs 9-10 would be switched beside its thread CPU 0/KVM, and that may hang for ever",
    ),
)
case(
    "KR138 priority above the vCPU's",
    of(rt(1, "1-2")),
    replace(host(domains=RUNNING_BUSY), kthreads={2: 10}, knobs=UNLIMITED),
)
ABOVE = {"kernel_threads": KernelThreads(rcuc=Above.GUESTS, ktimers=Above.GUESTS)}
LOW = {
    name: KernelThread(tid=7, name=name, policy="SCHED_FIFO", priority=1)
    for name in ("rcuc/2", "ktimers/2")
}
case(
    "KR138 not when the plan raises them before",
    of(rt(1, "1-2"), **ABOVE),
    replace(host(domains=RUNNING_BUSY), kthreads={2: 1}, kernel_threads=LOW, knobs=UNLIMITED),
)
case(
    "KR138 a plan that raises another",
    of(rt(1, "1-2"), kernel_threads=KernelThreads(ktimers=Above.GUESTS)),
    replace(host(domains=RUNNING_BUSY), kthreads={2: 1}, kernel_threads=LOW, knobs=UNLIMITED),
    (
        ERROR,
        "vm1",
        None,
        "vm1: CPUs 9-10 would be switched beside its thread CPU 0/KVM, and that may hang for ever",
    ),
)
SCHEDULED = {"vcpu_scheduler": ThreadScheduler(policy=SchedulerPolicy.FIFO, priority=5)}
case(
    "KR230 a number that is too low",
    of(rt(1, "1-2", **SCHEDULED), kernel_threads=KernelThreads(rcuc=5)),
    replace(host(), kernel_threads=LOW),
    (WARNING, "vm1", None, "vm1: its vCPUs have priority 5, and the kernel's rcuc gets 5"),
)
case(
    "KR230 nothing is above the highest",
    of(
        rt(1, "1-2", vcpu_scheduler=ThreadScheduler(policy=SchedulerPolicy.RR, priority=99)),
        **ABOVE,
    ),
    replace(host(), kernel_threads=LOW),
    (WARNING, "vm1", None, "vm1: its vCPUs have priority 99, and the kernel's ktimers gets 99"),
    (WARNING, "vm1", None, "vm1: its vCPUs have priority 99, and the kernel's rcuc gets 99"),
)
case(
    "KR230 above",
    of(rt(1, "1-2", **SCHEDULED), kernel_threads=KernelThreads(rcuc=6, ktimers=Above.GUESTS)),
    replace(host(), kernel_threads=LOW),
)
case("KR230 unmanaged", of(rt(1, "1-2", **SCHEDULED)), replace(host(), kernel_threads=LOW))
case("KR138 a limit", of(rt(1, "1-2")), replace(host(domains=RUNNING_BUSY), kthreads={2: 1}))
case("KR139 a guest that runs", of(rt(1, "1-2")), host(domains=RUNNING_BUSY), NOTICED)
case("KR139 all are offline already", of(rt(1, "1-2")), host(domains=RUNNING_BUSY, offline="9-10"))
case("KR139 none runs", of(rt(1, "1-2")), host())

# SPDX-License-Identifier: Apache-2.0
"""Cases about the task shield: which one the host has, and what it leaves."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import (
    cpus,
    make_domain,
    make_kernel,
    make_slices,
    uuid,
)
from rule_case import ADVICE, WARNING, case, host, of, rt

from kvmrt_plan.desired.kthread_model import KernelThreads, Unbound
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.facts.domain import Thread
from kvmrt_plan.facts.slices import CgroupMode, Shield, Slice, Slices
from kvmrt_plan.values.cpuset import EMPTY

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
VM1_RUNS = [make_domain(1, "vm1", running=True)]
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
    "KR211 nothing is evacuated without partitions",
    of(
        rt(1, "1-2"),
        kernel_threads=KernelThreads(unbound=Unbound.HOUSEKEEPING),
        evacuate_cpus=True,
    ),
    host(kernel=make_kernel(nohz_full=cpus("2"))),
    (
        ADVICE,
        None,
        2,
        (
            "the shield (allowed-cpus) leaves timers and work that were begun there on CPUs 1-2,9-10 of RT "
            "VMs"
        ),
    ),
)
case(
    "KR211 CPUs are evacuated",
    of(rt(1, "1-2"), evacuate_cpus=True),
    host(slices=PARTITIONS, kernel=make_kernel(nohz_full=cpus("2"))),
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

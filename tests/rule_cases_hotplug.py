# SPDX-License-Identifier: Apache-2.0
"""Cases about guests that run while CPUs are switched, and the threads that hotplug waits for."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import (
    WORKQUEUE_MASK,
    cpus,
    make_domain,
    make_slices,
    uuid,
)
from rule_case import ERROR, WARNING, case, host, of, rt, vm

from kvmrt_plan.desired.kthread_model import Above, KernelThreads
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.desired.thread_scheduler import SchedulerPolicy, ThreadScheduler
from kvmrt_plan.facts.domain import Thread
from kvmrt_plan.facts.kthreads import KernelThread
from kvmrt_plan.facts.workqueue import Workqueue

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
RUNNING_BUSY = [replace(make_domain(1, "vm1", running=True), threads=(BUSY,))]
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
PARTITIONS = make_slices(has_partitions=True)
#: Its siblings are offline, so that only another VM's CPUs are switched.
BESIDE = host(
    slices=PARTITIONS, domains=[*RUNNING_BUSY, make_domain(2, "vm2")], offline="9-10,13-14"
)
case(
    "KR139 another VM's CPUs are evacuated",
    of(rt(1, "1-2"), rt(2, "5-6"), shield=ShieldBackend.AUTO, evacuate_cpus=True),
    BESIDE,
    (WARNING, None, 101, "vm1 will notice how CPUs 5-6 are switched"),
)
case(
    "KR139 nobody's CPUs are evacuated",
    of(rt(1, "1-2"), rt(2, "5-6"), shield=ShieldBackend.AUTO),
    BESIDE,
)
case(
    "KR138 another VM's CPUs are evacuated",
    of(rt(1, "1-2"), rt(2, "5-6"), shield=ShieldBackend.AUTO, evacuate_cpus=True),
    replace(BESIDE, kthreads={2: 1}, knobs=UNLIMITED),
    (
        ERROR,
        "vm1",
        None,
        "vm1: CPUs 5-6 would be switched beside its thread CPU 0/KVM, and that may hang for ever",
    ),
)

# SPDX-License-Identifier: Apache-2.0
"""Threads of the kernel get priorities above the guests of their CPU, and unbound ones leave it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_builders import cpus, make_configuration, make_domain, make_host, make_vm

from kvmrt_plan.changes.change import Change, NoChange
from kvmrt_plan.changes.kthreads import kthread_changes
from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.desired.kthread_model import Above, KernelThreads, Unbound
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.desired.thread_scheduler import SchedulerPolicy, ThreadScheduler
from kvmrt_plan.facts.domain import Thread
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.facts.kthreads import KernelThread
from kvmrt_plan.placement.place import place

FIFO_2 = ThreadScheduler(policy=SchedulerPolicy.FIFO, priority=2)
ABOVE = KernelThreads(rcuc=Above.GUESTS, ktimers=Above.GUESTS, rcub=Above.GUESTS)
UNBOUND = KernelThreads(unbound=Unbound.HOUSEKEEPING)


def kthread(name: str, priority: int = 0, affinity: str = "") -> KernelThread:
    return KernelThread(
        tid=hash(name) % 1000,
        name=name,
        policy="SCHED_FIFO" if priority else "SCHED_OTHER",
        priority=priority,
        affinity=cpus(affinity) if affinity else None,
    )


def threads(*some: KernelThread) -> dict[str, KernelThread]:
    """Those of CPUs 0-3, and more."""
    of_cpus = [kthread(f"{name}/{cpu}", 1) for cpu in range(4) for name in ("rcuc", "ktimers")]
    return {one.name: one for one in (*of_cpus, *some)}


def considered(policy, *some: KernelThread, backend=ShieldBackend.ALLOWED_CPUS, **values):
    """On a host of four CPUs, of which a VM with vCPUs of priority 2 has 2-3."""
    scheduler = values.pop("vcpu_scheduler", FIFO_2)
    vm = make_vm(1, "rt1", "2-3", nr_vcpus=1, rt=True, autostart=True, vcpu_scheduler=scheduler)
    released = values.pop("released", ())
    domains = values.pop("domains", [make_domain(1, "rt1")])
    facts = make_host(domains=domains, kernel_threads=threads(*some), **values)
    placement = place(make_configuration(vm), facts, released=released)
    return list(kthread_changes(policy, Masks(facts, placement), backend))


def changes(policy, *some: KernelThread, **values):
    return [
        (one.address.removeprefix("kthread/"), one.before, one.after)
        for one in considered(policy, *some, **values)
        if isinstance(one, Change)
    ]


def test_threads_of_the_guests_cpus_are_raised_above_it_and_no_others():
    assert changes(ABOVE, kthread("rcub/0", 1), kthread("rcu_preempt", 1, "0-3")) == [
        ("rcuc/2/scheduler", "fifo 1", "fifo 3"),
        ("ktimers/2/scheduler", "fifo 1", "fifo 3"),
        ("rcuc/3/scheduler", "fifo 1", "fifo 3"),
        ("ktimers/3/scheduler", "fifo 1", "fifo 3"),
        ("rcub/0/scheduler", "fifo 1", "fifo 3"),
    ]


def test_what_is_above_already_is_right_as_it_is():
    found = considered(KernelThreads(rcub=Above.GUESTS), kthread("rcub/0", 10))

    assert [(type(one), one.value) for one in found] == [(NoChange, "fifo 10")]


def test_a_number_is_meant_as_it_stands():
    assert changes(KernelThreads(ksoftirqd=2, rcub=4), kthread("ksoftirqd/2"), kthread("rcub/0", 9)) == [
        ("ksoftirqd/2/scheduler", "other", "fifo 2"),
        ("rcub/0/scheduler", "fifo 9", "fifo 4"),
    ]  # fmt: skip


def test_threads_that_the_kernel_does_not_have_are_not_asked_for():
    assert changes(KernelThreads(ksoftirqd=2)) == []


def test_ordinary_vcpus_need_nothing_above_them():
    assert changes(ABOVE, vcpu_scheduler=None) == []


def test_where_the_scheduler_is_unmanaged_the_running_vcpus_count():
    vcpu = Thread(
        tid=11, name="CPU 0/KVM", affinity=cpus("3"), policy="SCHED_FIFO", priority=5, last_cpu=3
    )
    running = make_domain(1, "rt1", running=True, threads=(vcpu,))

    found = changes(KernelThreads(rcuc=Above.GUESTS), vcpu_scheduler=None, domains=[running])
    assert found == [
        ("rcuc/2/scheduler", "fifo 1", "fifo 6"),
        ("rcuc/3/scheduler", "fifo 1", "fifo 6"),
    ]


def test_the_reason_names_attribute_guest_and_line():
    (first, *_) = considered(ABOVE)

    assert first.reason.text == "kernel_threads: rcuc is above-guests and vCPUs of rt1 have 2"


def test_with_the_last_vm_threads_get_back_what_they_had():
    held = {
        "kthread/ksoftirqd/2/scheduler": HeldValue(original="other", written="fifo 2"),
        "kthread/rcub/0/scheduler": HeldValue(original="fifo 1", written="fifo 3"),
        "kthread/kauditd/cpus": HeldValue(original="0-3", written="0-1"),
    }
    somebodys = kthread("rcub/0", 7)

    assert changes(
        None,
        kthread("ksoftirqd/2", 2),
        somebodys,
        kthread("kauditd", 0, "0-1"),
        held=held,
        released=("rt1",),
    ) == [("ksoftirqd/2/scheduler", "fifo 2", "other"), ("kauditd/cpus", "0-1", "0-3")]


def test_a_priority_that_is_ours_is_judged_by_what_was_before():
    held = {"kthread/rcub/0/scheduler": HeldValue(original="fifo 1", written="fifo 9")}

    assert changes(KernelThreads(rcub=Above.GUESTS), kthread("rcub/0", 9), held=held) == [
        ("rcub/0/scheduler", "fifo 9", "fifo 3")
    ]


def test_unbound_threads_leave_the_cpus_of_the_guest():
    assert changes(
        UNBOUND,
        kthread("kauditd", 0, "0-3"),
        kthread("kswapd1", 0, "2-3"),
        kthread("khungtaskd", 0, "1"),
        kthread("scsi_eh 2", 0, "1,3"),
    ) == [
        ("kauditd/cpus", "0-3", "0-1"),
        # A thread that would have no CPU left gets all that the host keeps.
        ("kswapd1/cpus", "2-3", "0-1"),
        ("scsi_eh 2/cpus", "1,3", "1"),
    ]


def test_a_partition_that_no_vm_can_have_yet_takes_nobody_along():
    running = make_domain(1, "rt1", running=True)

    assert changes(
        UNBOUND,
        kthread("kauditd", 0, "0-3"),
        backend=ShieldBackend.PARTITION,
        domains=[running],
    ) == [("kauditd/cpus", "0-3", "0-1")]


@pytest.mark.parametrize("backend", [ShieldBackend.PARTITION, ShieldBackend.REDHAWK])
def test_a_shield_that_takes_them_along_leaves_nothing_to_do(backend):
    assert changes(UNBOUND, kthread("kauditd", 0, "0-3"), backend=backend) == []


def test_unset_is_unmanaged():
    assert considered(None, kthread("kauditd", 0, "0-3")) == []
    assert considered(KernelThreads(), kthread("kauditd", 0, "0-3")) == []


def test_a_policy_that_cannot_be_set_again_is_left():
    deadline = replace(kthread("ksoftirqd/2"), policy="SCHED_DEADLINE")

    assert changes(KernelThreads(ksoftirqd=2), deadline) == []


def test_a_thread_that_a_partition_would_let_loose_is_bound_to_what_is_left_of_its_cpus():
    partition = {"backend": ShieldBackend.PARTITION}
    some = [
        kthread("kswapd0", 0, "0-2"),
        kthread("kswapd1", 0, "0-1"),
        kthread("kauditd", 0, "0-3"),
    ]

    assert changes(None, *some, **partition) == [("kswapd0/cpus", "0-2", "0-1")]
    assert changes(None, *some, backend=ShieldBackend.REDHAWK) == []


@pytest.mark.parametrize("now", ["0-1", "0-3"])
def test_it_is_as_before_when_the_partition_has_gone_also_where_the_kernel_has_forgotten_ours(now):
    held = {"kthread/kswapd0/cpus": HeldValue(original="0-2", written="0-1")}

    found = changes(None, kthread("kswapd0", 0, now), released=("rt1",), held=held)
    assert found == [("kswapd0/cpus", now, "0-2")]


def test_what_somebody_else_has_bound_since_is_theirs():
    held = {"kthread/kswapd0/cpus": HeldValue(original="0-2", written="0-1")}

    assert changes(None, kthread("kswapd0", 0, "0"), released=("rt1",), held=held) == []


def test_unbound_threads_leave_cpus_of_a_vm_that_cannot_have_a_partition_beside_one_that_can():
    vms = [
        make_vm(number, f"rt{number}", cpuset, nr_vcpus=1, rt=True, autostart=True)
        for number, cpuset in ((1, "2"), (2, "3"))
    ]
    facts = make_host(
        domains=[make_domain(1, "rt1"), make_domain(2, "rt2", running=True)],
        kernel_threads=threads(kthread("kauditd", 0, "0-3")),
    )
    masks = Masks(facts, place(make_configuration(*vms), facts))

    def moved(policy):
        found = kthread_changes(policy, masks, ShieldBackend.PARTITION)
        return [(one.address, one.before, one.after) for one in found if isinstance(one, Change)]

    assert moved(UNBOUND) == [("kthread/kauditd/cpus", "0-3", "0-1")]
    assert moved(None) == []

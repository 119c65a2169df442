# SPDX-License-Identifier: Apache-2.0
"""What each thread of a guest is for, and whether it is where it should be."""

from __future__ import annotations

import pytest
from facts_builders import cpus, make_configuration, make_domain, make_host, make_vm

from kvmrt_plan.changes.guest_threads import thread_states
from kvmrt_plan.desired.model import Pinning
from kvmrt_plan.desired.thread_scheduler import SchedulerPolicy, ThreadScheduler
from kvmrt_plan.facts.domain import Thread
from kvmrt_plan.placement.place import place

FIFO = ThreadScheduler(policy=SchedulerPolicy.FIFO, priority=2)


def thread(
    name: str, affinity: str, policy: str = "SCHED_OTHER", priority: int = 0, *, tid: int = 10
) -> Thread:
    return Thread(
        tid=tid, name=name, affinity=cpus(affinity), policy=policy, priority=priority, last_cpu=1
    )


def state_of(one: Thread, **values: object):
    (state,) = states_of((one,), **values)
    return state


def states_of(threads: tuple[Thread, ...], **values: object):
    """Threads of a VM with two vCPUs on CPUs 1-3, of which CPU 1 is the emulator's."""
    vm = make_vm(1, "rt1", "1-3", nr_vcpus=2, **values)
    domain = make_domain(1, "rt1", running=True, threads=threads)
    facts = make_host(domains=[domain])
    (placed,) = place(make_configuration(vm), facts).vms
    return thread_states(placed, domain, facts.cpus.online)


@pytest.mark.parametrize(
    ("name", "role", "wanted"),
    [
        ("qemu-system-x86", "emulator", "1"),
        ("qemu-kvm", "emulator", "1"),
        ("worker", "worker", "1"),
        ("SPICE Worker", "console", "1"),
        ("vnc_worker", "console", "1"),
        ("IO mon_iothread", "monitor I/O", "1"),
        ("IO iothread1", "iothread 1", "1"),
        ("CPU 0/KVM", "vCPU 0", "2"),
        ("CPU 1/TCG", "vCPU 1", "3"),
        ("vhost-2210", "network I/O", "1"),
        ("kvm-pit/2210", "timer", "1"),
        ("call_rcu", "other", "1"),
    ],
)
def test_each_thread_has_a_role_and_a_place(name, role, wanted):
    state = state_of(thread(name, wanted))

    assert (state.role, str(state.wanted), state.deviates) == (role, wanted, False)


@pytest.mark.parametrize(
    ("name", "affinity"),
    [("CPU 0/KVM", "0-3"), ("CPU 0/KVM", "3"), ("qemu-system-x86", "0"), ("worker", "1-2")],
)
def test_a_thread_that_may_run_elsewhere_deviates(name, affinity):
    assert state_of(thread(name, affinity)).is_misplaced


def test_a_worker_may_use_fewer_cpus_than_the_emulator_has():
    vm = make_vm(1, "rt1", "1-3", nr_vcpus=2)
    assert not state_of(thread("worker", "1")).deviates
    assert vm.pinning is Pinning.AUTO


def test_threads_of_a_vm_that_kvmrt_does_not_pin_never_deviate():
    state = state_of(thread("CPU 0/KVM", "0-3"), pinning=Pinning.LIBVIRT)

    assert (state.wanted, state.deviates) == (None, False)


def test_a_vcpu_that_the_configuration_does_not_know_has_no_place():
    assert state_of(thread("CPU 7/KVM", "0-3")).wanted is None


@pytest.mark.parametrize(
    ("policy", "priority", "is_wrong"),
    [("SCHED_FIFO", 2, False), ("SCHED_FIFO", 1, True), ("SCHED_OTHER", 0, True)],
)
def test_the_policy_of_a_vcpu_is_compared_when_it_is_managed(policy, priority, is_wrong):
    state = state_of(thread("CPU 0/KVM", "2", policy, priority), vcpu_scheduler=FIFO)

    assert (state.is_misscheduled, state.wanted_policy) == (is_wrong, ("SCHED_FIFO", 2))


def test_the_policy_of_other_threads_is_not():
    assert not state_of(thread("worker", "1", "SCHED_RR", 9), vcpu_scheduler=FIFO).deviates


def test_the_policies_of_the_emulator_and_of_iothreads_are_compared_when_they_are_managed():
    threads = (
        thread("qemu-system-x86", "1", tid=7),
        thread("qemu-system-x86", "1", tid=8),
        thread("IO iothread1", "1", "SCHED_FIFO", 2, tid=9),
    )

    states = states_of(threads, emulator_scheduler=FIFO, iothread_scheduler=FIFO, iothreads=1)

    assert [(one.wanted_policy, one.is_misscheduled) for one in states] == [
        (("SCHED_FIFO", 2), True),
        (None, False),
        (("SCHED_FIFO", 2), False),
    ]

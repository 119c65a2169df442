# SPDX-License-Identifier: Apache-2.0
"""Threads of a running guest that libvirt does not place go to the emulator's CPU."""

from __future__ import annotations

import pytest
from facts_builders import cpus, make_configuration, make_domain, make_host, make_vm

from kvmrt_plan.changes.change import Change, Kind, NoChange, Reason, ReasonCode
from kvmrt_plan.changes.guest_thread_moves import guest_thread_moves, names_of_threads
from kvmrt_plan.desired.model import Pinning
from kvmrt_plan.desired.thread_scheduler import SchedulerPolicy, ThreadScheduler
from kvmrt_plan.facts.domain import Thread
from kvmrt_plan.placement.place import place

HOME = "/machine.slice/vm.scope/libvirt/emulator"
FIFO = ThreadScheduler(policy=SchedulerPolicy.FIFO, priority=2)
MAIN = ("qemu-system-x86", "1")


def thread(tid: int, name: str, affinity: str, **values: object) -> Thread:
    known = {"policy": "SCHED_OTHER", "priority": 0, "last_cpu": 1} | values
    return Thread(tid=tid, name=name, affinity=cpus(affinity), **known)


def timer(affinity: str = "0-3", cgroup: str = "/", **values: object) -> Thread:
    return thread(90, "kvm-pit/10", affinity, is_kernel=True, cgroup=cgroup, home=HOME, **values)


def considered(*threads: Thread, pins=(), **values: object):
    """Of a VM with two vCPUs on CPUs 1-3, of which CPU 1 is the emulator's."""
    vm = make_vm(1, "rt1", "1-3", nr_vcpus=2, rt=True, **values)
    main = thread(10, "qemu-system-x86", "1")
    domain = make_domain(1, "rt1", running=True, threads=(main, *threads))
    facts = make_host(domains=[domain])
    (placed,) = place(make_configuration(vm), facts).vms
    return list(guest_thread_moves(placed, domain, facts.cpus.online, pins))


def changes(*threads: Thread, **values: object) -> list[tuple[str, str | None, str | None]]:
    """Address below the VM, before and after."""
    return [
        (one.address.removeprefix("vm/rt1/thread/"), one.before, one.after)
        for one in considered(*threads, **values)
        if isinstance(one, Change)
    ]


def test_the_timer_joins_the_guest_on_the_emulators_cpu():
    assert changes(timer()) == [("kvm-pit/cpus", "host 0-3", "1")]
    # Where it runs is right, and whoever makes a partition would take it away again.
    assert changes(timer("1")) == [("kvm-pit/cpus", "host 1", "1")]


def test_a_timer_that_is_where_it_should_be_is_right():
    (right,) = considered(timer("1", HOME))

    assert isinstance(right, NoChange)
    assert (right.address, right.value) == ("vm/rt1/thread/kvm-pit/cpus", "1")


def test_the_timer_has_the_priority_that_vcpus_should_have():
    assert changes(timer("1", HOME), vcpu_scheduler=FIFO) == [
        ("kvm-pit/scheduler", "other", "fifo 2")
    ]
    right = timer("1", HOME, policy="SCHED_FIFO", priority=2)
    assert changes(right, vcpu_scheduler=FIFO) == []


def test_where_that_is_unmanaged_it_has_the_one_that_vcpu_0_has():
    vcpu = thread(11, "CPU 0/KVM", "2", policy="SCHED_RR", priority=7)

    assert changes(vcpu, timer("1", HOME)) == [("kvm-pit/scheduler", "other", "rr 7")]


def test_ordinary_vcpus_leave_the_timer_alone():
    real_time = timer("1", HOME, policy="SCHED_FIFO", priority=3)

    assert changes(thread(11, "CPU 0/KVM", "2"), real_time) == []


def test_a_policy_that_cannot_be_set_again_is_left():
    deadline = timer("1", HOME, policy="SCHED_DEADLINE")

    assert changes(deadline, vcpu_scheduler=FIFO) == []


def test_threads_of_qemu_and_of_vhost_that_are_elsewhere_move():
    vhost = thread(91, "vhost-10", "0", is_kernel=True, cgroup=HOME, home=HOME)
    assert changes(
        thread(12, "worker", "1"), thread(13, "worker", "0-3"), thread(14, "call_rcu", "2"), vhost
    ) == [("worker 2/cpus", "0-3", "1"), ("call_rcu/cpus", "2", "1"), ("vhost/cpus", "0", "1")]


def test_threads_that_a_pin_names_are_left_to_it():
    assert changes(thread(11, "CPU 0/KVM", "0"), thread(12, "IO iothread1", "0")) == []


def test_with_the_emulators_pin_all_move_but_those_outside():
    pin = Change(
        kind=Kind.DOMAIN_LIVE_PIN,
        address="vm/rt1/live/emulatorpin",
        before="0-3",
        after="1",
        reason=Reason(code=ReasonCode.CPU_BIAS, text="cpuset is 1-3"),
    )

    assert changes(thread(12, "worker", "0-3"), timer(), pins=[pin]) == [
        ("kvm-pit/cpus", "host 0-3", "1")
    ]


def test_a_vm_that_kvmrt_does_not_pin_keeps_its_threads():
    vcpu = thread(11, "CPU 0/KVM", "2", policy="SCHED_FIFO", priority=7)

    assert considered(vcpu, timer(), pinning=Pinning.LIBVIRT) == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("qemu-kvm", "worker", "worker"), {1: "worker", 2: "worker 2"}),
        (("qemu-kvm", "qemu-kvm", "CPU 0/KVM"), {1: "qemu-kvm 2"}),
        (("kvm-pit/10", "vhost-10", "vhost-11"), {0: "kvm-pit", 1: "vhost", 2: "vhost 2"}),
    ],
)
def test_names_do_not_hang_on_process_numbers(names, expected):
    threads = [thread(tid, name, "1") for tid, name in enumerate(names)]

    assert names_of_threads(reversed(threads)) == expected

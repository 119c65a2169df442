# SPDX-License-Identifier: Apache-2.0
"""libvirt's definitions follow the configuration."""

from __future__ import annotations

import pytest
from facts_builders import cpus, domain_xml, make_configuration, make_domain, make_host, make_vm

from kvmrt_plan.changes.change import Activation, Change, Disturbance, Kind, NoChange, Pending
from kvmrt_plan.changes.domain import domain_changes
from kvmrt_plan.changes.live_pins import pin_of_thread
from kvmrt_plan.desired.model import GuestTopology, Pinning
from kvmrt_plan.desired.thread_scheduler import SchedulerPolicy, ThreadScheduler
from kvmrt_plan.facts.domain import Thread
from kvmrt_plan.placement.place import place

PINNED = (
    "<cputune><vcpupin vcpu='0' cpuset='3'/><emulatorpin cpuset='2'/></cputune>"
    "<numatune><memory mode='strict' nodeset='0'/></numatune>"
)


def considered(vm, domain):
    facts = make_host(cores=8, domains=(domain,))
    (placed,) = place(make_configuration(vm), facts).vms
    return list(domain_changes(placed, facts))


def changes(found):
    return {
        one.address.partition("/")[2].partition("/")[2]: (one.before, one.after)
        for one in found
        if isinstance(one, Change)
    }


def thread(name, affinity):
    return Thread(
        tid=7, name=name, affinity=cpus(affinity), policy="SCHED_OTHER", priority=0, last_cpu=0
    )


def test_a_domain_that_is_right_needs_nothing():
    found = considered(
        make_vm(1, "a", "2-3"), make_domain(1, "a", xml=domain_xml(1, "a", inner=PINNED))
    )

    assert changes(found) == {}
    assert any(isinstance(one, NoChange) for one in found)


def test_the_first_cpu_takes_the_emulator_and_the_rest_the_vcpus():
    found = considered(make_vm(1, "a", "2-4", nr_vcpus=2), make_domain(1, "a"))

    assert changes(found) == {
        "emulatorpin": (None, "2"),
        "numatune": (None, "0"),
        "topology": (None, "1,2,1"),
        "vcpupin 0": (None, "3"),
        "vcpupin 1": (None, "4"),
        "vcpus": ("1", "2"),
    }


def test_a_real_time_vm_is_locked_and_has_no_balloon():
    inner = "<devices><memballoon model='virtio'/></devices>" + PINNED
    vm = make_vm(1, "a", "2-3", rt=True)

    found = considered(vm, make_domain(1, "a", xml=domain_xml(1, "a", inner=inner)))

    assert changes(found) == {"memballoon": ("virtio", "none"), "memory-locked": (None, "yes")}


def test_without_a_cpuset_all_pins_go():
    xml = domain_xml(1, "a", inner=PINNED).replace("<vcpu>", "<vcpu cpuset='2-3'>")

    found = considered(make_vm(1, "a"), make_domain(1, "a", xml=xml))

    assert changes(found) == {
        "emulatorpin": ("2", None),
        "numatune": ("0", None),
        "vcpu-cpuset": ("2-3", None),
        "vcpupin 0": ("3", None),
    }


def test_pins_that_are_libvirt_s_own_stay():
    xml = domain_xml(1, "a", inner=PINNED)
    vm = make_vm(1, "a", "4-5", pinning=Pinning.LIBVIRT, numatune=cpus("0"))

    assert changes(considered(vm, make_domain(1, "a", xml=xml))) == {}


@pytest.mark.parametrize(
    ("topology", "expected"),
    [
        (None, {"topology": (None, "1,2,1")}),
        (GuestTopology(2, 1, 1), {}),
        (GuestTopology(1, 1, 2), {"topology": (None, "1,1,2")}),
    ],
    ids=["auto", "what absence amounts to", "threads"],
)
def test_a_missing_topology_is_one_socket_per_vcpu(topology, expected):
    xml = domain_xml(1, "a").replace("<vcpu>1<", "<vcpu>2<")
    vm = make_vm(1, "a", nr_vcpus=2, cpu_topology=topology)

    assert changes(considered(vm, make_domain(1, "a", xml=xml))) == expected


def test_schedulers_are_set_for_each_vcpu_only_when_asked_for():
    xml = domain_xml(1, "a", inner=PINNED)
    scheduler = ThreadScheduler(policy=SchedulerPolicy.FIFO, priority=2)

    asked = considered(
        make_vm(1, "a", "2-3", vcpu_scheduler=scheduler), make_domain(1, "a", xml=xml)
    )

    assert changes(asked) == {"vcpusched 0": (None, "fifo 2")}


def test_schedulers_of_the_emulator_and_of_iothreads_are_set_when_asked_for():
    scheduler = ThreadScheduler(policy=SchedulerPolicy.RR, priority=3)
    vm = make_vm(1, "a", emulator_scheduler=scheduler, iothread_scheduler=scheduler, iothreads=2)

    assert changes(considered(vm, make_domain(1, "a", xml=domain_xml(1, "a")))) == {
        "iothreads": (None, "2"),
        "emulatorsched": (None, "rr 3"),
        "iothreadsched 1": (None, "rr 3"),
        "iothreadsched 2": (None, "rr 3"),
    }


def test_what_schedules_and_pins_threads_that_go_goes_with_them():
    inner = (
        "<iothreads>2</iothreads><cputune><vcpusched vcpus='0-1' scheduler='fifo' priority='1'/>"
        "<iothreadpin iothread='2' cpuset='1'/>"
        "<iothreadsched iothreads='1-2' scheduler='fifo' priority='2'/></cputune>"
    )
    xml = domain_xml(1, "a", inner=inner).replace("<vcpu>1<", "<vcpu>2<")
    vm = make_vm(1, "a", nr_vcpus=1, iothreads=1, pinning=Pinning.LIBVIRT)

    found = changes(considered(vm, make_domain(1, "a", xml=xml)))

    assert found == {
        "vcpus": ("2", "1"),
        "iothreads": ("2", "1"),
        "vcpusched 1": ("fifo 1", None),
        "iothreadsched 2": ("fifo 2", None),
        "iothreadpin 2": ("1", None),
    }


def test_a_running_guest_keeps_what_needs_a_restart_and_shows_it():
    domain = make_domain(1, "a", xml=domain_xml(1, "a", inner=PINNED), running=True)

    (change,) = (
        one
        for one in considered(make_vm(1, "a", "2-3", hide_kvm=True), domain)
        if isinstance(one, Change)
    )

    assert (change.address, change.activation) == ("vm/a/kvm-hidden", Activation.GUEST_RESTART)


def test_what_is_written_but_not_running_is_pending():
    hidden = PINNED + "<features><kvm><hidden state='on'/></kvm></features>"
    domain = make_domain(
        1,
        "a",
        xml=domain_xml(1, "a", inner=hidden),
        running=True,
        live_xml=domain_xml(1, "a", inner=PINNED),
    )

    found = considered(make_vm(1, "a", "2-3", hide_kvm=True), domain)

    assert changes(found) == {}
    assert [
        (one.address, one.running, one.written) for one in found if isinstance(one, Pending)
    ] == [("vm/a/kvm-hidden", None, "on")]


def test_threads_that_are_elsewhere_move_whatever_libvirt_reports():
    domain = make_domain(
        1,
        "a",
        xml=domain_xml(1, "a", inner=PINNED),
        running=True,
        threads=(thread("qemu-system-x86", "2"), thread("CPU 0/KVM", "0-7")),
    )

    (change,) = (
        one for one in considered(make_vm(1, "a", "2-3"), domain) if isinstance(one, Change)
    )

    assert (change.kind, change.address) == (Kind.DOMAIN_LIVE_PIN, "vm/a/live/vcpupin 0")
    assert (change.before, change.after) == ("0-7", "3")
    assert change.disturbance is Disturbance.GUEST


def test_a_rename_waits_until_the_guest_is_off():
    off = considered(make_vm(1, "new"), make_domain(1, "old"))
    running = considered(make_vm(1, "new"), make_domain(1, "old", running=True))

    assert changes(off) == {"name": ("old", "new")}
    assert changes(running) == {}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"rt": True, "cpuset": "2-3"}, ("on", "off")),
        ({"autostart": False}, ("on", "off")),
        ({}, None),
    ],
    ids=["real time", "not to be started", "to be started anyway"],
)
def test_libvirt_s_autostart_goes_off_where_it_acts_against_kvmrt_s(values, expected):
    domain = make_domain(1, "a", has_autostart=True)

    assert changes(considered(make_vm(1, "a", **values), domain)).get("autostart") == expected


def test_a_transient_or_unknown_domain_is_left_alone():
    assert considered(make_vm(1, "a", "2-3"), make_domain(1, "a", is_persistent=False)) == []
    assert considered(make_vm(2, "b", "2-3"), make_domain(1, "a")) == []


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("CPU 3/KVM", "vcpupin 3"),
        ("CPU 0/TCG", "vcpupin 0"),
        ("IO iothread2", "iothreadpin 2"),
        ("IO mon_iothread", None),
        ("qemu-system-x86", "emulatorpin"),
        ("qemu-kvm", "emulatorpin"),
        ("worker", None),
        ("CPU x/KVM", None),
    ],
)
def test_qemu_s_thread_names_tell_which_pin_governs_them(name, key):
    assert pin_of_thread(name) == key

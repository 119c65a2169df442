# SPDX-License-Identifier: Apache-2.0
"""What virtio_net would move when CPUs come or go stays where it is."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import cpus, make_domain, make_host, make_irq, make_vm

from kvmrt_plan.changes.change import Kind
from kvmrt_plan.changes.collect import collect_changes
from kvmrt_plan.desired.model import Configuration
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.facts.kthreads import KernelThread
from kvmrt_plan.facts.slices import CgroupMode, Slices
from kvmrt_plan.placement.place import place

#: Of its cores 2,6 and 3,7 the CPUs 6 and 7 go.
RT = make_vm(1, "rt", cpuset="2-3", rt=True)
QUEUES = {"net/eth0/tx-0": cpus("0-1"), "net/eth0/rx-0": cpus("0"), "net/eth1/tx-0": cpus("1")}


def changes(*irqs, vms=(RT,), **values):
    facts = replace(
        make_host(sockets=1, cores=4, threads=2, nodes=1, irqs=irqs),
        net_queues=QUEUES,
        virtio_interfaces=frozenset({"eth0"}),
        **values,
    )
    configuration = Configuration(vms=vms)
    found = collect_changes(configuration, facts, place(configuration, facts))
    kinds = (Kind.IRQ_AFFINITY, Kind.NET_QUEUE)
    return {
        one.address: (one.before, one.after)
        for one in found
        if one.kind in kinds and hasattr(one, "after")
    }


def queue(number, affinity, **values):
    return make_irq(number, affinity, actions=("virtio0-input.0",), **values)


def test_queues_that_are_right_are_named_when_siblings_go():
    found = changes(queue(30, "0-1"), queue(31, "0-7"), make_irq(40, "0-1"))

    assert found == {
        "irq/30": ("0-1", "0-1"),
        "irq/31": ("0-7", "0-1,4-5"),
        "net/eth0/tx-0": ("0-1", "0-1"),
    }


def test_nothing_is_named_when_no_cpu_is_switched():
    assert changes(queue(30, "0-1"), vms=()) == {}


def test_they_are_named_too_when_siblings_come_back():
    host = make_host(sockets=1, cores=4, threads=2, nodes=1, offline="5", recorded="5")
    held = {"cpu/5": HeldValue(original="online", written="offline")}

    assert changes(queue(30, "0-1"), vms=(), cpus=host.cpus, held=held) == {
        "irq/30": ("0-1", "0-1"),
        "net/eth0/tx-0": ("0-1", "0-1"),
    }


def test_what_the_kernel_refuses_to_move_is_left():
    assert "irq/30" not in changes(queue(30, "0-1", is_managed=True))


def test_threads_that_the_kernel_would_let_loose_are_named_when_a_partition_is_made():
    names = {"kswapd0": "0,4", "kswapd1": "0-3", "kauditd": "0-7"}
    threads = {
        name: KernelThread(tid=tid, name=name, policy="SCHED_OTHER", priority=0, affinity=cpus(own))
        for tid, (name, own) in enumerate(names.items(), 10)
    }
    slices = Slices(
        mode=CgroupMode.UNIFIED, has_systemd=True, slices=(), shield=None, has_partitions=True
    )
    facts = replace(
        make_host(sockets=1, cores=4, threads=2, nodes=1, domains=[make_domain(1, "rt")]),
        kernel_threads=threads,
        slices=slices,
    )
    configuration = Configuration(vms=(replace(RT, autostart=True),))
    found = collect_changes(configuration, facts, place(configuration, facts))

    assert {
        one.address: (one.before, one.after)
        for one in found
        if one.kind is Kind.KERNEL_THREAD_CPUS and hasattr(one, "after")
    } == {"kthread/kswapd0/cpus": ("0,4", "0,4"), "kthread/kswapd1/cpus": ("0-3", "0-1")}

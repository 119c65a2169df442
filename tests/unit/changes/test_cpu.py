# SPDX-License-Identifier: Apache-2.0
"""Siblings go offline only after what is bound to them has moved, or with permission."""

from __future__ import annotations

import pytest
from facts_builders import cpus, make_configuration, make_domain, make_host, make_irq, make_vm

from kvmrt_plan.apply.run import split_actions
from kvmrt_plan.changes.change import Disturbance, Kind, Undo
from kvmrt_plan.changes.collect import collect_changes
from kvmrt_plan.facts.domain import Thread
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.action import Action
from kvmrt_plan.plan.order import order_changes

EMULATOR = "qemu-system-x86"


def thread(name, affinity):
    return Thread(
        tid=1, name=name, affinity=cpus(affinity), policy="SCHED_OTHER", priority=0, last_cpu=0
    )


def sibling(*domains, vms=(), irqs=()):
    """The change of CPU 5, sibling of CPU 1 on four cores with two threads each, and its plan."""
    host = make_host(threads=2, domains=domains, irqs=irqs)
    configuration = make_configuration(make_vm(1, "rt", "1-2", rt=True), *vms)
    found = collect_changes(configuration, host, place(configuration, host))
    changes = order_changes(one for one in found if hasattr(one, "requires"))
    return next(one for one in changes if one.address == "cpu/5"), changes


def test_a_sibling_that_nobody_is_bound_to_disturbs_no_guest():
    guest = make_domain(7, "other", running=True, threads=(thread(EMULATOR, "0-7"),))
    change, _ = sibling(guest)
    assert (change.disturbance, change.undo) == (Disturbance.ALL_CPUS, Undo.FULLY)
    assert change.requires == ()


@pytest.mark.parametrize(
    ("affinity", "undo"), [("5", Undo.GUEST_RESTART), ("4-6", Undo.FULLY), ("0-6", Undo.FULLY)]
)
def test_a_sibling_that_a_foreign_guest_is_bound_to_waits_for_permission(affinity, undo):
    guest = make_domain(7, "other", running=True, threads=(thread("CPU 0/KVM", affinity),))
    change, _ = sibling(guest)
    assert (change.disturbance, change.undo) == (Disturbance.GUEST, undo)


def test_a_guest_bound_to_other_cpus_does_not_matter():
    guest = make_domain(7, "other", running=True, threads=(thread(EMULATOR, "0,4"),))
    change, _ = sibling(guest)
    assert change.disturbance is Disturbance.ALL_CPUS


def test_threads_that_the_plan_moves_go_first():
    threads = (thread(EMULATOR, "5-6"), thread("call_rcu", "5-6"), thread("CPU 0/KVM", "5"))
    guest = make_domain(1, "rt", running=True, threads=threads)
    change, changes = sibling(guest)
    pins = ("vm/rt/live/emulatorpin", "vm/rt/live/vcpupin 0")
    assert (change.disturbance, change.undo) == (Disturbance.ALL_CPUS, Undo.FULLY)
    assert change.requires == pins
    addresses = [one.address for one in changes]
    assert all(addresses.index(pin) < addresses.index("cpu/5") for pin in pins)


def test_the_sibling_waits_with_the_pin_that_waits():
    guest = make_domain(1, "rt", running=True, threads=(thread(EMULATOR, "5"),))
    _, changes = sibling(guest)
    numbers = {change.address: number for number, change in enumerate(changes)}
    actions = [
        Action(
            number=numbers[one.address],
            change=one,
            requires=tuple(numbers[address] for address in one.requires if address in numbers),
        )
        for one in changes
    ]
    _, waiting = split_actions(actions, frozenset())
    assert {"cpu/5", "vm/rt/live/emulatorpin"} <= {step.address for step in waiting}
    steps, waiting = split_actions(actions, frozenset({Disturbance.GUEST}))
    assert waiting == []
    assert {step.kind for step in steps} >= {Kind.CPU_ONLINE, Kind.DOMAIN_LIVE_PIN}


def test_a_pin_that_leads_to_the_sibling_does_not_count_as_leaving_it():
    foreign = make_vm(2, "other", "5", nr_vcpus=1)
    guest = make_domain(2, "other", running=True, threads=(thread("CPU 0/KVM", "4-5"),))
    change, _ = sibling(guest, vms=(foreign,))
    assert change.disturbance is Disturbance.GUEST


def test_an_interrupt_that_fires_on_the_sibling_moves_first():
    change, _ = sibling(irqs=[make_irq(40, "5")])
    assert change.requires == ("irq/40",)

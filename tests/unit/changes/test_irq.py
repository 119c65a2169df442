# SPDX-License-Identifier: Apache-2.0
"""Interrupts leave the CPUs of RT VMs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_builders import cpus, make_host, make_irq, make_vm

from kvmrt_plan.changes.change import Activation, Change, Kind, NoChange, Pending
from kvmrt_plan.changes.irq import irq_changes
from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.desired.model import Configuration, HostPolicy, IrqAssignment
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.placement.place import place

RT = make_vm(1, "rt", cpuset="4-5", rt=True)


def named(number, name, affinity, **values):
    return make_irq(number, affinity, actions=(name,), **values)


def considered(*irqs, policy=None, vms=(RT,), held=None):
    policy = policy or HostPolicy()
    facts = replace(
        make_host(sockets=1, cores=8, threads=1, nodes=1, irqs=irqs),
        default_irq_affinity=None,
        held=held or {},
    )
    configuration = Configuration(host=policy, vms=vms)
    return list(irq_changes(policy, Masks(facts, place(configuration, facts))))


def moves(found):
    return {one.address: (one.before, one.after) for one in found if isinstance(one, Change)}


@pytest.mark.parametrize(
    ("affinity", "wanted"),
    [("0-7", "0-3,6-7"), ("4", "0-3,6-7"), ("3-4", "3"), ("4-5", "0-3,6-7")],
    ids=["everywhere", "on one of its CPUs", "partly", "only there"],
)
def test_an_interrupt_keeps_what_it_has_elsewhere_or_gets_all_housekeeping(affinity, wanted):
    found = considered(named(45, "eth0", affinity))

    assert moves(found) == {"irq/45": (affinity, wanted)}


def test_an_interrupt_elsewhere_is_right():
    (one,) = considered(named(45, "eth0", "0-1"))

    assert (type(one), one.value) == (NoChange, "0-1")


@pytest.mark.parametrize(
    "fixed",
    [
        named(45, "nvme0q1", "4", is_managed=True),
        named(0, "timer", "0-7", is_movable=False),
    ],
    ids=["managed", "timer"],
)
def test_what_the_kernel_refuses_to_move_is_not_tried(fixed):
    assert considered(fixed) == []


def test_an_assignment_overrides_and_the_last_one_counts():
    policy = HostPolicy(
        irqs=(IrqAssignment(irq="igb", cpus=cpus("0")), IrqAssignment(irq=45, cpus=cpus("1")))
    )
    found = considered(
        named(45, "eth0", "0-7", driver="igb"),
        named(46, "eth0-1", "0-7", driver="igb"),
        policy=policy,
    )

    assert moves(found) == {"irq/45": ("0-7", "1"), "irq/46": ("0-7", "0")}


def test_an_interrupt_that_has_not_fired_since_is_pending():
    idle = named(45, "eth0", "0-1", effective=cpus("4"))

    assert considered(idle)[1:] == [
        Pending(
            kind=Kind.IRQ_AFFINITY,
            address="irq/45",
            running="4",
            written="0-1",
            activation=Activation.NEXT_INTERRUPT,
            label="eth0",
        )
    ]


def test_without_rt_vms_interrupts_are_nobody_s_business():
    assert considered(named(45, "eth0", "0-7"), vms=()) == []


@pytest.mark.parametrize(
    ("now", "expected"),
    [("0-3,6-7", {"irq/45": ("0-3,6-7", "0-7")}), ("2", {})],
    ids=["as kvmrt left it", "moved by somebody since"],
)
def test_a_mask_that_kvmrt_narrowed_grows_back_when_nobody_needs_it(now, expected):
    held = {"irq/45": HeldValue(original="0-7", written="0-3,6-7")}

    assert moves(considered(named(45, "eth0", now), vms=(), held=held)) == expected

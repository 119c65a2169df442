# SPDX-License-Identifier: Apache-2.0
"""Which CPUs are evacuated, and when in a plan."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import (
    cpus,
    make_configuration,
    make_domain,
    make_host,
    make_irq,
    make_slices,
    make_vm,
)

from kvmrt_plan.changes.change import Change, Disturbance, Kind, Undo
from kvmrt_plan.changes.collect import collect_changes
from kvmrt_plan.desired.model import IrqAssignment, ShieldBackend
from kvmrt_plan.facts.domain import Thread
from kvmrt_plan.facts.slices import Slice, vm_slice
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.order import order_changes

#: Cores 0-3 with the siblings 4-7: CPUs 6 and 7 go.
RT = make_vm(1, "rt", "2-3", rt=True)
OFF = make_domain(1, "rt")
UNIT = vm_slice(RT.uuid)
BOUND = Thread(
    tid=1, name="CPU 0/KVM", affinity=cpus("2"), policy="SCHED_OTHER", priority=0, last_cpu=2
)  # fmt: skip


def own_slice(allowed, partition):
    return Slice(name=UNIT, allowed=cpus(allowed), effective=cpus(allowed), partition=partition)


def plan(*, vms=(RT,), domains=(OFF,), units=(), policy=None, **values):
    """All changes, in order."""
    slices = make_slices(has_partitions=True)
    slices = replace(slices, slices=(*slices.slices, *units))
    host = make_host(threads=2, domains=domains, slices=slices, **values)
    asked = {"evacuate_cpus": True} if policy is None else policy
    configuration = make_configuration(*vms, **{"shield": ShieldBackend.AUTO, **asked})
    found = collect_changes(configuration, host, place(configuration, host))
    return order_changes(one for one in found if isinstance(one, Change))


def evacuated(**values):
    return [one.address for one in plan(**values) if one.kind is Kind.CPU_EVACUATION]


BOTH = ["cpu/2/evacuated", "cpu/3/evacuated"]


def test_cpus_that_become_a_partition_are_evacuated_and_their_siblings_not():
    assert evacuated() == BOTH


def test_the_value_is_the_same_before_and_after_and_every_cpu_notices():
    (change, _) = (one for one in plan() if one.kind is Kind.CPU_EVACUATION)

    assert (change.before, change.after, change.is_kept) == ("online", "online", False)
    assert (change.disturbance, change.undo) == (Disturbance.ALL_CPUS, Undo.FULLY)
    assert change.reason.text == "evacuate_cpus is true and rt owns CPUs 2-3,6-7"


def test_nobody_is_asked_for_it_by_default():
    assert evacuated(policy={}) == []


def test_they_come_after_whatever_could_begin_anew_there_and_before_power():
    changes = plan(
        irqs=[make_irq(40, "0-7")],
        knobs={"power/latency/2": "0"},
        policy={"evacuate_cpus": True, "cpu_latency_us": 3},
    )

    addresses = [one.address for one in changes if not one.address.startswith("vm/")]
    assert addresses[addresses.index("irq/40") :] == [
        "irq/40",
        f"partition/{UNIT}",
        "cpu/6",
        "cpu/7",
        *BOTH,
        "power/latency/2",
    ]


def test_a_partition_that_waits_is_waited_for():
    change = next(one for one in plan() if one.kind is Kind.CPU_EVACUATION)

    assert change.requires == (f"vm-slice/{UNIT}", f"partition/{UNIT}")


def test_cpus_of_a_partition_that_stands_are_left():
    assert evacuated(units=[own_slice("2-3,6-7", "isolated")], offline="6-7") == []


def test_of_a_partition_that_grows_the_new_cpus_are_evacuated():
    assert evacuated(units=[own_slice("3,7", "isolated")]) == ["cpu/2/evacuated"]


def test_a_partition_that_somebody_has_broken_is_evacuated_when_it_is_made_again():
    broken = own_slice("2-3,6-7", "isolated invalid (Cpu list in cpuset.cpus not exclusive)")

    assert evacuated(units=[broken], offline="6-7") == BOTH


def test_a_guest_that_runs_in_its_slice_keeps_its_cpus():
    xml = (
        f"<domain type='kvm'><name>rt</name><uuid>{RT.uuid}</uuid><resource><partition>"
        f"/{UNIT.removesuffix('.slice')}</partition></resource></domain>"
    )
    runs = make_domain(1, "rt", running=True, xml=xml)

    changes = plan(domains=[runs], units=[own_slice("2-3,6-7", "member")])

    kinds = {one.kind for one in changes}
    assert Kind.PARTITION in kinds
    assert Kind.CPU_EVACUATION not in kinds


def test_a_guest_that_runs_elsewhere_keeps_its_cpus():
    assert evacuated(domains=[make_domain(1, "rt", running=True)]) == []


def test_a_cpu_that_another_guest_is_bound_to_is_left():
    other = make_domain(7, "other", running=True, threads=(BOUND,))

    assert evacuated(domains=[OFF, other]) == []


def test_a_cpu_that_cannot_go_offline_or_is_offline_is_left():
    vm = make_vm(1, "rt", "0,2-3", rt=True)

    assert evacuated(vms=[vm], offline="3,7") == ["cpu/2/evacuated"]


def test_a_shield_without_partitions_evacuates_nothing():
    policy = {"evacuate_cpus": True, "shield": ShieldBackend.ALLOWED_CPUS}

    assert evacuated(policy=policy) == []


def test_an_interrupt_that_fires_there_alone_is_named_and_comes_back():
    assigned = tuple(
        IrqAssignment(irq=number, cpus=cpus(affinity))
        for number, affinity in ((40, "2"), (41, "2-3"))
    )
    changes = plan(
        irqs=[make_irq(40, "2"), make_irq(41, "2-3"), make_irq(42, "2", is_managed=True)],
        policy={"evacuate_cpus": True, "irqs": assigned},
    )

    assert [
        (one.address, one.before, one.after, one.reason.code)
        for one in changes
        if one.kind is Kind.IRQ_AFFINITY
    ] == [("irq/40", "2", "2", "opened-by-kernel")]

# SPDX-License-Identifier: Apache-2.0
"""The order of actions."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmrt_plan.changes.change import Change, Kind, Reason, ReasonCode
from kvmrt_plan.plan.order import natural, order_changes

REASON = Reason(code=ReasonCode.ATTRIBUTE, text="a test")


def change(kind, address, *, before="1", after="0", requires=()):
    return Change(
        kind=kind, address=address, before=before, after=after, reason=REASON, requires=requires
    )


def addresses(changes):
    return [one.address for one in order_changes(changes)]


def test_others_leave_before_siblings_go_offline_and_definitions_follow():
    shuffled = [
        change(Kind.DOMAIN_AUTOSTART, "vm/a/autostart"),
        change(Kind.CPU_ONLINE, "cpu/20", after="offline"),
        change(Kind.DOMAIN_XML, "vm/a/vcpus"),
        change(Kind.IRQ_AFFINITY, "irq/45"),
        change(Kind.DOMAIN_RENAME, "vm/a/name"),
        change(Kind.DOMAIN_LIVE_PIN, "vm/a/live/vcpupin 0"),
        change(Kind.WORKQUEUE_CPUMASK, "workqueue/cpumask"),
        change(Kind.IRQ_DEFAULT_AFFINITY, "irq/default"),
        change(Kind.SLICE_CPUS, "slice/system.slice"),
    ]

    assert addresses(shuffled) == [
        "slice/system.slice",
        "workqueue/cpumask",
        "irq/default",
        "irq/45",
        "vm/a/live/vcpupin 0",
        "cpu/20",
        "vm/a/name",
        "vm/a/vcpus",
        "vm/a/autostart",
    ]


def test_a_cpu_is_evacuated_when_nothing_can_come_there_and_before_its_power_is_set():
    changes = [
        change(Kind.CPU_POWER, "power/latency/4", before="0", after="3"),
        change(Kind.KERNEL_THREAD, "kthread/rcuc/4/scheduler", before="fifo 9", after="fifo 1"),
        change(Kind.CPU_EVACUATION, "cpu/4/evacuated", before="online", after="online"),
        change(Kind.CPU_ONLINE, "cpu/20", after="offline"),
        change(Kind.PARTITION, "partition/a", before="member", after="isolated"),
        change(Kind.NET_QUEUE, "net/eth0/tx-0"),
    ]

    assert addresses(changes) == [
        "net/eth0/tx-0",
        "partition/a",
        "cpu/20",
        "cpu/4/evacuated",
        "kthread/rcuc/4/scheduler",
        "power/latency/4",
    ]


def test_a_cpu_comes_back_before_masks_grow_onto_it():
    back = change(Kind.CPU_ONLINE, "cpu/20", after="online")
    mask = change(Kind.SLICE_CPUS, "slice/system.slice")

    assert addresses([mask, back]) == ["cpu/20", "slice/system.slice"]


def test_no_two_groups_have_a_cpu_together_on_the_way():
    a, b, c = (f"kvmrt{name * 32}.slice" for name in "abc")
    changes = [
        change(Kind.PARTITION, f"partition/{a}", before="member", after="isolated"),
        change(Kind.VM_SLICE, f"vm-slice/{a}", before=None, after="4-5"),
        change(Kind.VM_SLICE, f"vm-slice/{b}", before="6", after="6-7"),
        change(Kind.VM_SLICE, f"vm-slice/{c}", before="4-7", after=None),
        change(Kind.PARTITION_LIFT, f"partition/{c}/lifted", before="isolated", after="member"),
        change(Kind.SLICE_CPUS, "slice/system.slice", before="0-7", after="0-3"),
    ]

    assert addresses(changes) == [
        f"partition/{c}/lifted",
        f"vm-slice/{c}",
        "slice/system.slice",
        f"vm-slice/{a}",
        f"vm-slice/{b}",
        f"partition/{a}",
    ]


def test_numbers_in_addresses_count_as_numbers():
    irqs = [change(Kind.IRQ_AFFINITY, f"irq/{number}") for number in (100, 9, 10)]

    assert addresses(irqs) == ["irq/9", "irq/10", "irq/100"]


def test_a_requirement_overrides_the_phases_and_absent_ones_hold_already():
    first = change(Kind.DOMAIN_AUTOSTART, "vm/a/autostart")
    second = change(Kind.SLICE_CPUS, "slice/x", requires=("vm/a/autostart", "not/in the plan"))

    assert addresses([second, first]) == ["vm/a/autostart", "slice/x"]


def test_circles_and_repeated_addresses_are_refused():
    circle = [
        change(Kind.SLICE_CPUS, "slice/a", requires=("slice/b",)),
        change(Kind.SLICE_CPUS, "slice/b", requires=("slice/a",)),
    ]
    with pytest.raises(ValueError, match="circle"):
        order_changes(circle)
    with pytest.raises(ValueError, match="same address"):
        order_changes([change(Kind.SLICE_CPUS, "slice/a")] * 2)


@given(
    st.lists(
        st.tuples(st.sampled_from(Kind), st.integers(0, 40)), unique=True, max_size=12
    ).flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn)))
)
def test_the_order_does_not_depend_on_that_of_the_input(pair):
    drawn, permuted = pair

    def made(rows):
        return [change(kind, f"{kind}/{number}") for kind, number in rows]

    assert order_changes(made(drawn)) == order_changes(made(permuted))


@given(st.lists(st.text(st.characters(codec="ascii"), max_size=6), max_size=5))
def test_natural_keys_of_any_texts_can_be_compared(texts):
    for one, other in itertools.combinations(texts, 2):
        assert (natural(one) == natural(other)) == (one == other)
        assert (natural(one) < natural(other)) or (natural(other) <= natural(one))

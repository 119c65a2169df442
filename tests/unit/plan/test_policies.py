# SPDX-License-Identifier: Apache-2.0
"""What a plan says of policies, in each state."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import make_host, make_vm

from kvmrt_plan.changes.change import (
    Activation,
    Change,
    Kind,
    NoChange,
    Pending,
    Reason,
    ReasonCode,
)
from kvmrt_plan.desired.model import Configuration
from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.plan.make import make_plan
from kvmrt_plan.plan.policies import State, policies_of

ONE, OTHER = make_vm(1, "one", "1-2", rt=True), make_vm(2, "other", "4-5", rt=True)
REASON = Reason(code=ReasonCode.HOST_POLICY, text="it is asked for")


def change(kind, address, **values):
    return Change(kind=kind, address=address, before="0-7", after="0,3", reason=REASON, **values)


def right(kind, address, **values):
    return NoChange(kind=kind, address=address, value="0,3", reason=REASON, **values)


def found(*considered, held=None, findings=()):
    facts = replace(make_host(sockets=1, cores=8, threads=1, nodes=1), held=held or {})
    goal = Goal(configuration=Configuration(vms=(ONE, OTHER)))
    placement = place(goal.configuration, facts)
    plan = make_plan(goal, facts, placement, considered, findings=findings)
    return [
        (one.state, one.address, one.present, one.wanted, one.vms)
        for one in policies_of(plan, facts, placement)
    ]


def test_what_the_plan_would_write_is_not_held_and_comes_first():
    both = ("one", "other")

    assert found(
        right(Kind.SYSCTL, "sysctl/vm.stat_interval"),
        Pending(
            kind=Kind.IRQ_AFFINITY, address="irq/9", running="4", written="0",
            activation=Activation.NEXT_INTERRUPT,
        ),
        change(Kind.IRQ_AFFINITY, "irq/10"),
    ) == [
        (State.NOT_HELD, "irq/10", "0-7", "0,3", both),
        (State.PENDING, "irq/9", "4", "0", both),
        (State.HELD, "sysctl/vm.stat_interval", "0,3", "0,3", both),
    ]  # fmt: skip


def test_a_value_that_kvmrt_had_written_and_that_is_another_now_is_foreign():
    changes = [change(Kind.IRQ_AFFINITY, f"irq/{number}") for number in (10, 11)]
    held = {
        "irq/10": HeldValue(original="0-7", written="0"),
        "irq/11": HeldValue(original="0", written="0-7"),
    }

    assert [one[:2] for one in found(*changes, held=held)] == [
        (State.FOREIGN, "irq/10"),
        (State.NOT_HELD, "irq/11"),
    ]


def test_a_cpu_is_that_of_the_vm_that_owns_it_and_a_definition_that_of_its_vm():
    assert [
        one[-1]
        for one in found(
            right(Kind.CPU_ONLINE, "cpu/2"),
            right(Kind.CPU_POWER, "power/governor/4"),
            right(Kind.CPU_ONLINE, "cpu/7"),
            right(Kind.DOMAIN_XML, "vm/other/memballoon", owner=str(OTHER.uuid)),
        )
    ] == [("one",), (), ("other",), ("other",)]


def test_what_is_done_once_is_no_policy():
    assert found(change(Kind.CPU_EVACUATION, "cpu/2/evacuated")) == []


def test_what_the_host_cannot_keep_in_full_is_weaker():
    finding = Finding(
        code="KR205", severity=Severity.WARNING, summary="managed", remedy="boot with isolcpus="
    )

    assert found(findings=(finding,)) == [
        (State.WEAKER, "KR205", "managed", "boot with isolcpus=", ("one", "other"))
    ]


def test_titles_and_names_are_the_users_words_and_no_policies():
    assert (
        found(
            right(Kind.DOMAIN_XML, "vm/one/title", owner=str(ONE.uuid)),
            right(Kind.DOMAIN_RENAME, "vm/one/name", owner=str(ONE.uuid)),
        )
        == []
    )

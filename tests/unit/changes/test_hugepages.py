# SPDX-License-Identifier: Apache-2.0
"""How many huge pages a pool gets, and when it gives them back."""

from __future__ import annotations

from facts_builders import GIB, domain_xml, make_configuration, make_domain, make_host, make_vm

from kvmrt_plan.changes.change import Change, NoChange
from kvmrt_plan.changes.hugepages import hugepage_changes
from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.desired.model import PageSize
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.facts.hugepages import HugepagePool
from kvmrt_plan.placement.place import place

BACKED = "<memoryBacking><hugepages/></memoryBacking>"


def pools(*counts):
    """Pools of 1 GiB: total and free by node."""
    return tuple(
        HugepagePool(node=node, size_kib=GIB, total=total, free=free)
        for node, (total, free) in enumerate(counts)
    )


def rt_vm(number, cpuset, **values):
    return make_vm(number, f"vm{number}", cpuset, rt=True, hugepages=PageSize.SIZE_1G, **values)


def off(number, gib):
    return make_domain(number, f"vm{number}", xml=domain_xml(number, "x", memory_kib=gib * GIB))


def running(number, gib, inner=BACKED):
    xml = domain_xml(number, "x", memory_kib=gib * GIB, inner=inner)
    return make_domain(number, f"vm{number}", xml=xml, running=True)


def found(vms, *, is_reserved=True, held=None, **host):
    """Address, before and after of each change; before alone where nothing changes."""
    facts = make_host(sockets=2, cores=4, nodes=2, held=held or {}, **host)
    configuration = make_configuration(*vms, reserve_hugepages=is_reserved)
    masks = Masks(facts, place(configuration, facts))
    return [
        (one.address, int(one.before), int(one.after))
        if isinstance(one, Change)
        else (one.address, int(one.value))
        for one in hugepage_changes(configuration.host, masks)
        if isinstance(one, (Change, NoChange))
    ]


def test_a_node_gets_what_its_vms_need_beyond_what_is_free():
    vms = [rt_vm(1, "1-2"), rt_vm(2, "3"), rt_vm(3, "5-6")]
    domains = [off(1, 4), off(2, 2), off(3, 3)]

    assert found(vms, domains=domains, hugepages=pools((3, 1), (8, 8))) == [
        ("hugepages/node0/1048576", 3, 8),
        ("hugepages/node1/1048576", 8),
    ]


def test_pages_of_a_running_guest_are_in_use_and_not_needed_again():
    assert found([rt_vm(1, "1-2")], domains=[running(1, 4)], hugepages=pools((4, 0), (0, 0))) == [
        ("hugepages/node0/1048576", 4)
    ]


def test_pages_that_a_running_guest_owns_but_has_not_touched_are_not_free():
    vms, domains = [rt_vm(1, "1-2"), rt_vm(2, "3")], [running(1, 4), off(2, 2)]

    assert found(vms, domains=domains, hugepages=pools((4, 4), (0, 0))) == [
        ("hugepages/node0/1048576", 4, 6)
    ]


def test_a_guest_that_runs_without_them_needs_them_for_its_restart():
    assert found([rt_vm(1, "1-2")], domains=[running(1, 4, "")], hugepages=pools((0, 0))) == [
        ("hugepages/node0/1048576", 0, 4)
    ]


def test_memory_on_two_nodes_is_halved_and_the_first_takes_the_rest():
    assert found([rt_vm(1, "1,5")], domains=[off(1, 5)], hugepages=pools((0, 0), (0, 0))) == [
        ("hugepages/node0/1048576", 0, 3),
        ("hugepages/node1/1048576", 0, 2),
    ]


def test_nothing_is_reserved_unless_it_is_asked_for_or_for_vms_without_policies():
    vms, domains = [rt_vm(1, "1-2")], [off(1, 4)]
    idle = [rt_vm(1, "1-2", autostart=False)]

    assert found(vms, is_reserved=False, domains=domains, hugepages=pools((0, 0))) == []
    assert found(idle, domains=domains, hugepages=pools((0, 0))) == []


def held(original, written):
    return {"hugepages/node0/1048576": HeldValue(original=original, written=written)}


def test_a_release_takes_away_what_was_added_and_not_what_is_in_use():
    idle = [rt_vm(1, "1-2", autostart=False)]

    assert found(idle, held=held("2", "6"), hugepages=pools((6, 6))) == [
        ("hugepages/node0/1048576", 6, 2)
    ]
    assert found(idle, held=held("2", "6"), hugepages=pools((6, 1))) == [
        ("hugepages/node0/1048576", 6, 5)
    ]


def test_what_another_vm_needs_stays():
    vms = [rt_vm(1, "1-2", autostart=False), rt_vm(2, "3")]

    assert found(
        vms, domains=[off(1, 4), off(2, 3)], held=held("2", "7"), hugepages=pools((7, 7))
    ) == [("hugepages/node0/1048576", 7, 3)]


def test_a_pool_that_somebody_else_changed_is_left():
    idle = [rt_vm(1, "1-2", autostart=False)]

    assert found(idle, held=held("2", "6"), hugepages=pools((9, 9))) == []

# SPDX-License-Identifier: Apache-2.0
"""cpusets of cgroup v1: the host's tasks, and what others lose with a CPU."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_builders import cpus, make_configuration, make_host, make_slices, make_vm

from kvmrt_plan.apply.addresses import subject_of
from kvmrt_plan.changes.change import Change, Kind
from kvmrt_plan.changes.cpusets import cpuset_changes
from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.errors import KvmrtError
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.facts.slices import CgroupMode
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.order import order_changes

#: Of four cores with two threads it owns the last one: CPU 7 goes offline.
ONE = make_vm(1, "one", "3", rt=True)
TWO = make_vm(2, "two", "2", rt=True)
GUEST = "machine/qemu-1-web.libvirt-qemu"


def planned(*vms, sets=None, offline="", held=None, backend=ShieldBackend.CPUSET_V1, **slices):
    """Changes in their order, as a plan shows them."""
    known = {path: cpus(one) for path, one in (sets or {}).items()}
    made = make_slices(mode=CgroupMode.LEGACY, cpusets=known, **slices)
    facts = make_host(sockets=1, cores=4, threads=2, nodes=1, offline=offline, slices=made)
    facts = replace(facts, held=held or {})
    masks = Masks(facts, place(make_configuration(*vms), facts))
    found = [one for one in cpuset_changes(backend, masks) if isinstance(one, Change)]
    return [(one.address, one.before, one.after) for one in order_changes(found)]


def test_tasks_of_the_host_move_into_a_cpuset_of_the_housekeeping_cpus():
    assert planned(ONE) == [
        ("cpuset/kvmrt", None, "0-2,4-6"),
        ("cpuset-tasks/kvmrt", "root", "kvmrt"),
    ]
    there = {"sets": {"kvmrt": "0-2,4-6"}, "offline": "7"}
    assert planned(ONE, **there, task_place="kvmrt") == []
    assert planned(ONE, **there, task_place="both") == [("cpuset-tasks/kvmrt", "both", "kvmrt")]


def test_without_an_rt_vm_tasks_go_back_before_their_cpuset_goes():
    assert planned(sets={"kvmrt": "0-2"}, task_place="kvmrt") == [
        ("cpuset-tasks/kvmrt", "kvmrt", "root"),
        ("cpuset/kvmrt", "0-2", None),
    ]
    assert planned(sets={"kvmrt": ""}) == [("cpuset/kvmrt", "", None)]
    assert planned() == []


def test_another_backend_gives_the_tasks_back_and_makes_no_cpuset():
    assert planned(ONE, backend=ShieldBackend.NONE) == []
    assert planned(ONE, sets={"kvmrt": "0-2"}, task_place="kvmrt", backend=ShieldBackend.NONE) == [
        ("cpuset-tasks/kvmrt", "kvmrt", "root"),
        ("cpuset/kvmrt", "0-2", None),
    ]


def test_a_cpu_that_goes_offline_is_taken_out_of_cpusets_from_the_innermost_outwards():
    sets = {"machine": "0-7", GUEST: "0-7", f"{GUEST}/vcpu0": "1", f"{GUEST}/emulator": "0-7"}

    assert planned(ONE, sets=sets, backend=ShieldBackend.NONE) == [
        (f"cpuset/{GUEST}/emulator", "0-7", "0-6"),
        (f"cpuset/{GUEST}", "0-7", "0-6"),
        ("cpuset/machine", "0-7", "0-6"),
    ]


def test_a_cpu_that_is_back_returns_to_the_cpusets_that_had_it_from_the_root_inwards():
    sets = {"machine": "0-6", GUEST: "0-6", f"{GUEST}/vcpu0": "1"}
    held = {
        "cpu/7": HeldValue(original="online", written="offline"),
        "cpuset/machine": HeldValue(original="0-7", written="0-6"),
        f"cpuset/{GUEST}": HeldValue(original="0-7", written="0-6"),
    }

    assert planned(sets=sets, held=held, offline="7") == [
        ("cpuset/machine/widened", "0-6", "0-7"),
        (f"cpuset/{GUEST}/widened", "0-6", "0-7"),
    ]
    assert planned(ONE, sets=sets, held=held, offline="7", backend=ShieldBackend.NONE) == []


def test_a_cpuset_that_loses_one_cpu_and_gets_another_back_does_so_in_two_steps():
    sets = {"machine": "0-6", GUEST: "0-6"}
    held = {
        "cpu/7": HeldValue(original="online", written="offline"),
        "cpuset/machine": HeldValue(original="0-7", written="0-6"),
        f"cpuset/{GUEST}": HeldValue(original="0-7", written="0-6"),
    }

    assert planned(TWO, sets=sets, held=held, offline="7", backend=ShieldBackend.NONE) == [
        (f"cpuset/{GUEST}", "0-6", "0-5"),
        ("cpuset/machine", "0-6", "0-5"),
        ("cpuset/machine/widened", "0-5", "0-5,7"),
        (f"cpuset/{GUEST}/widened", "0-5", "0-5,7"),
    ]


def test_a_cpuset_that_somebody_else_has_changed_is_left():
    held = {"cpuset/machine": HeldValue(original="0-7", written="0-6")}

    assert planned(sets={"machine": "0-3"}, held=held) == []


@pytest.mark.parametrize("path", ["..", "machine/..", "machine/../kvmrt", "a//b", "/a", "a\nb", ""])
def test_an_address_does_not_climb_out_of_the_hierarchy(path):
    with pytest.raises(KvmrtError):
        subject_of(Kind.CPUSET, f"cpuset/{path}")
    assert subject_of(Kind.CPUSET, f"cpuset/{GUEST}/a b") == f"{GUEST}/a b"

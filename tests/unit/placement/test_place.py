# SPDX-License-Identifier: Apache-2.0
"""Placement of VMs on CPUs and nodes, point by point of what KVM-RT does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_builders import cpus, make_configuration, make_domain, make_host, make_vm, uuid

from kvmrt_plan.desired.model import Pinning
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.placement.model import Placement, VmPlacement
from kvmrt_plan.placement.place import place
from kvmrt_plan.values.cpuset import EMPTY


def placed(vm, host, **goal):
    """The placement of a single VM."""
    return place(make_configuration(vm), host, **goal).vms[0]


def pins(one: VmPlacement) -> list[str]:
    """Emulator first, then each vCPU."""
    return [str(one.emulator), *map(str, one.vcpus)]


@pytest.mark.parametrize(
    ("cpuset", "nr_vcpus", "expected"),
    [
        pytest.param("1-5", 4, ["1", "2", "3", "4", "5"], id="exact"),
        pytest.param("1-6", 2, ["1", "2,4,6", "3,5"], id="oversupply"),
        pytest.param("1-3", 5, ["1", "2", "3", "2", "3", "2"], id="undersupply"),
        pytest.param("3", 2, ["3", "3", "3"], id="a single CPU takes everything"),
        pytest.param("", 2, ["", "", ""], id="no cpuset, no bias"),
    ],
)
def test_first_cpu_takes_the_emulator_and_the_rest_go_round_robin(cpuset, nr_vcpus, expected):
    host = make_host(cores=8)
    assert pins(placed(make_vm(1, "vm", cpuset, nr_vcpus=nr_vcpus), host)) == expected
    assert pins(placed(make_vm(1, "vm", cpuset, nr_vcpus=nr_vcpus, rt=True), host)) == expected


def test_an_rt_vm_owns_the_siblings_and_uses_one_cpu_per_core():
    vm = make_vm(1, "rt1", "2-3,10", nr_vcpus=1, rt=True)
    assert placed(vm, make_host(cores=8, threads=2)) == VmPlacement(
        vm=vm,
        holds_policies=True,
        used=cpus("2-3"),
        emulator=cpus("2"),
        vcpus=(cpus("3"),),
        owned=cpus("2-3,10-11"),
        offlined=cpus("10-11"),
        nodes=cpus("0"),
    )


def test_cores_of_a_vm_that_is_not_rt_are_left_alone():
    vm = make_vm(1, "web", "2-3,10", nr_vcpus=2)
    assert placed(vm, make_host(cores=8, threads=2)) == VmPlacement(
        vm=vm,
        holds_policies=False,
        used=cpus("2-3,10"),
        emulator=cpus("2"),
        vcpus=(cpus("3"), cpus("10")),
        owned=cpus("2-3,10"),
        offlined=EMPTY,
        nodes=cpus("0"),
    )


@pytest.mark.parametrize("recorded", [True, False])
def test_of_a_core_the_cpu_that_is_online_is_used(recorded):
    host = make_host(cores=4, threads=2, offline="2", recorded=recorded)
    one = placed(make_vm(1, "rt1", "1-2,6", nr_vcpus=1, rt=True), host)
    assert one.used == (cpus("1,6") if recorded else cpus("1-2,6"))
    assert one.offlined == (cpus("2,5") if recorded else cpus("5"))


def test_a_core_whose_cpus_are_all_offline_is_used_by_its_lowest():
    host = make_host(cores=4, threads=2, offline="2,6")
    assert placed(make_vm(1, "rt1", "2,6", rt=True), host).used == cpus("2")


def test_siblings_are_known_from_either_side_of_the_core():
    host = make_host(cores=4, threads=2, offline="5", recorded=False)
    host.cpus.recorded_siblings[1] = cpus("1,5")
    assert placed(make_vm(1, "rt1", "5", rt=True), host).owned == cpus("1,5")


def test_a_cpu_that_does_not_exist_is_neither_offlined_nor_fatal():
    host = make_host(cores=4, threads=2)
    host.cpus.recorded_siblings[3] = cpus("3,7,99")
    one = placed(make_vm(1, "rt1", "3,500", nr_vcpus=1, rt=True), host)
    assert (one.used, one.owned, one.offlined) == (cpus("3,500"), cpus("3,7,99,500"), cpus("7"))


@pytest.mark.parametrize(
    ("cpuset", "numatune", "expected"),
    [
        ("1-5", None, "0-1"),
        ("1-2", None, "0"),
        ("1-2", "1", "1"),
        ("1-2", "", None),
        ("", None, None),
        ("", "1", None),
    ],
)
def test_memory_comes_from_the_nodes_of_the_cpuset_unless_numatune_says_otherwise(
    cpuset, numatune, expected
):
    asked = None if numatune is None else cpus(numatune)
    one = placed(make_vm(1, "vm", cpuset, numatune=asked), make_host(sockets=2, cores=4, nodes=2))
    assert one.nodes == (None if expected is None else cpus(expected))


def test_a_host_without_nodes_restricts_no_memory():
    assert placed(make_vm(1, "vm", "1-2"), make_host(nodes=0)).nodes is None


def test_pins_of_libvirt_are_left_to_libvirt_but_the_cpus_are_still_owned():
    vm = make_vm(1, "rt1", "1-2", nr_vcpus=1, rt=True, pinning=Pinning.LIBVIRT)
    one = placed(vm, make_host(cores=4, threads=2))
    assert (pins(one), one.is_bound) == (["", ""], False)
    assert (one.used, one.owned, one.offlined) == (cpus("1-2"), cpus("1-2,5-6"), cpus("5-6"))


@pytest.mark.parametrize(
    ("values", "running", "goal", "expected"),
    [
        pytest.param({"rt": True}, False, (), True, id="starts by itself"),
        pytest.param({"rt": True, "autostart": False}, False, (), False, id="is off"),
        pytest.param({"rt": True, "autostart": False}, True, (), True, id="runs"),
        pytest.param({"rt": True, "autostart": False}, False, (uuid(1),), True, id="is named"),
        pytest.param({"rt": False}, True, (uuid(1),), False, id="is no RT VM"),
    ],
)
def test_host_policies_are_held_for_rt_vms_that_run_or_are_about_to(
    values, running, goal, expected
):
    host = make_host(domains=[make_domain(1, "vm", running=running)])
    one = placed(make_vm(1, "vm", "1-2", **values), host, goal=frozenset(goal))
    assert one.holds_policies is expected


def test_housekeeping_is_what_rt_vms_that_hold_policies_leave():
    host = make_host(cores=8, threads=2, offline="15")
    first = make_vm(1, "rt1", "1-2", nr_vcpus=1, rt=True)
    off = make_vm(2, "rt2", "3-4", nr_vcpus=1, rt=True, autostart=False)
    web = make_vm(3, "web", "5-6")
    made = place(make_configuration(first, off, web), host)
    assert made == Placement(
        vms=tuple(placed(vm, host) for vm in (first, off, web)),
        housekeeping=cpus("0,3-8,11-14"),
        isolated=cpus("1-2,9-10"),
        offlined=cpus("9-10"),
    )


def test_housekeeping_that_is_asked_for_is_taken_as_it_is():
    configuration = make_configuration(make_vm(1, "rt1", "2-3", rt=True), housekeeping=cpus("0"))
    assert place(configuration, make_host()).housekeeping == cpus("0")


@pytest.mark.parametrize("in_force", [True, False])
def test_vms_that_are_not_named_keep_their_policies_and_get_none(in_force):
    running = make_host(cores=8, domains=[make_domain(3, "runs", running=True)])
    host = replace(running, holders=frozenset({uuid(3)} if in_force else ()))
    configuration = make_configuration(
        make_vm(1, "named", "1-2", rt=True, autostart=False),
        make_vm(2, "other", "3-4", rt=True),
        make_vm(3, "runs", "5-6", rt=True),
    )

    made = place(configuration, host, named=("named",))

    holding = [one.vm.name for one in made.vms if one.holds_policies]
    assert holding == (["named", "runs"] if in_force else ["named"])
    assert made.isolated == cpus("1-2,5-6" if in_force else "1-2")


def test_cpus_that_kvmrt_brings_back_are_housekeeping_again():
    held = {
        f"cpu/{cpu}": HeldValue(original=before, written="offline")
        for cpu, before in ((5, "online"), (6, "online"), (7, "offline"))
    }
    host = make_host(cores=4, threads=2, offline="5-7", held=held)
    made = place(make_configuration(make_vm(1, "rt1", "1", rt=True)), host)
    assert made.housekeeping == cpus("0,2-4,6")

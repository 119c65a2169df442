# SPDX-License-Identifier: Apache-2.0
"""Pins back to the cpuset that makes them."""

from __future__ import annotations

import pytest
from facts_builders import cpus, make_host, make_vm
from hypothesis import given
from hypothesis import strategies as st

from kvmrt_plan.desired.model import Configuration, Pinning
from kvmrt_plan.placement.bias import cpuset_behind, leaves_nodes_alone, leaves_pins_alone
from kvmrt_plan.placement.place import place
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

PINS = {"vcpus": "2", "emulatorpin": "1", "vcpupin 0": "2", "vcpupin 1": "3"}


@given(st.sets(st.integers(0, 40), min_size=1), st.integers(1, 12), st.integers(0, 3))
def test_placement_and_back_gives_the_cpuset(numbers, nr_vcpus, iothreads):
    vm = make_vm(1, "vm", str(CpuSet(numbers)), nr_vcpus=nr_vcpus)
    placed = place(Configuration(vms=(vm,)), make_host(cores=48)).vms[0]
    settings = {"vcpus": str(nr_vcpus), "iothreads": str(iothreads)}
    settings["emulatorpin"] = str(placed.emulator)
    settings.update({f"vcpupin {index}": str(one) for index, one in enumerate(placed.vcpus)})
    settings.update({f"iothreadpin {n}": str(placed.emulator) for n in range(1, iothreads + 1)})

    assert cpuset_behind(settings) == CpuSet(numbers)


@pytest.mark.parametrize(
    "more",
    [
        {"emulatorpin": "2"},
        {"emulatorpin": "1-2"},
        {"vcpupin 0": "3", "vcpupin 1": "2"},
        {"vcpupin 2": "2"},
        {"vcpus": "3"},
        {"iothreads": "1"},
        {"vcpu-placement": "auto"},
        {"numatune": "auto"},
        {"vcpupin 0": "all"},
    ],
)
def test_pins_of_another_shape_have_no_cpuset(more):
    assert cpuset_behind(PINS) == cpus("1-3")
    assert cpuset_behind({**PINS, **more}) is None


def test_without_pins_the_cpuset_is_empty_unless_all_threads_have_a_default():
    assert cpuset_behind({"vcpus": "2", "numatune": "0"}) == EMPTY
    assert cpuset_behind({"vcpus": "2", "vcpu-cpuset": "0-3"}) is None


@pytest.mark.parametrize(
    ("vm", "settings", "expected"),
    [
        (make_vm(1, "vm", nr_vcpus=2), PINS, (False, False)),
        (make_vm(1, "vm", "1-3", nr_vcpus=2), {**PINS, "emulatorpin": "9"}, (False, False)),
        (make_vm(1, "vm", nr_vcpus=2), {**PINS, "emulatorpin": "9"}, (True, True)),
        (make_vm(1, "vm", nr_vcpus=2, numatune=EMPTY), {**PINS, "emulatorpin": "9"}, (True, False)),
        (make_vm(1, "vm", nr_vcpus=2), {"vcpus": "2"}, (False, True)),
        (make_vm(1, "vm", "1", nr_vcpus=2, pinning=Pinning.LIBVIRT), PINS, (True, False)),
    ],
)
def test_what_stays(vm, settings, expected):
    assert (leaves_pins_alone(vm, settings), leaves_nodes_alone(vm, settings)) == expected


@pytest.mark.parametrize(
    ("vm", "settings"),
    [
        (make_vm(1, "vm", nr_vcpus=2), {**PINS, "vcpus": "3"}),
        (make_vm(1, "vm", nr_vcpus=2), {**PINS, "vcpus": "3", "vcpupin 2": "3"}),
        (make_vm(1, "vm", nr_vcpus=2, iothreads=0), {**PINS, "iothreads": "1"}),
        (make_vm(1, "vm", nr_vcpus=2, numatune=EMPTY), {**PINS, "numatune": "auto"}),
    ],
)
def test_pins_are_judged_as_they_are_when_the_rest_is_applied(vm, settings):
    assert not leaves_pins_alone(vm, settings)
    assert not leaves_pins_alone(vm, PINS)

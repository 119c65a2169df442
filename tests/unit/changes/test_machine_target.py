# SPDX-License-Identifier: Apache-2.0
"""What the attributes of the guest's machine ask of the domain, and back."""

from __future__ import annotations

import pytest
from facts_builders import cpus, make_vm

from kvmrt_plan.changes.machine_target import MACHINE_KEYS, machine_of, machine_target
from kvmrt_plan.desired.guest import MACHINE_ATTRIBUTES, Allocation, CpuMode, IoapicDriver

REAL_TIME = {
    "memory_allocation": Allocation.IMMEDIATE,
    "page_sharing": False,
    "cpu_mode": CpuMode.HOST_PASSTHROUGH,
    "migratable": False,
    "invtsc": True,
    "tsc_deadline": True,
    "pmu": False,
    "vmport": False,
    "ioapic": IoapicDriver.KVM,
    "hint_dedicated": True,
    "poll_control": True,
    "hpet": False,
    "kvmclock": True,
}


def asked(**values):
    return {key: value for key, value, _ in machine_target(make_vm(1, "vm1", **values))}


def test_nothing_is_asked_for_a_vm_that_sets_nothing():
    assert asked() == {}


def test_each_attribute_asks_for_its_element():
    assert asked(**REAL_TIME, cell_nodes=cpus("0,2")) == {
        "memory-unshared": "yes",
        "cpu-migratable": "off",
        "cpu-invtsc": "require",
        "cpu-tsc-deadline": "require",
        "pmu": "off",
        "vmport": "off",
        "kvm-hint-dedicated": "on",
        "kvm-poll-control": "on",
        "timer-hpet": "no",
        "timer-kvmclock": "yes",
        "memory-allocation": "immediate",
        "cpu-mode": "host-passthrough",
        "ioapic": "kvm",
        "memnode 0": "0",
        "memnode 1": "2",
    }


def test_a_hidden_kvm_gives_no_hints():
    assert asked(hide_kvm=True, hint_dedicated=True, poll_control=True, kvmclock=True) == {
        "kvm-hint-dedicated": None,
        "kvm-poll-control": None,
        "timer-kvmclock": "yes",
    }


@pytest.mark.parametrize("values", [REAL_TIME, {"migratable": True, "pmu": True, "hpet": True}])
def test_what_was_written_is_taken_over_again(values):
    settings = {key: value for key, value in asked(**values).items() if value is not None}

    found = machine_of(settings)

    assert {name: found[name] for name in values} == values


def test_what_no_attribute_says_is_taken_over_as_unmanaged():
    found = machine_of({"cpu-mode": "custom EPYC", "ioapic": "xen", "cpu-invtsc": "force"})

    assert (found["cpu_mode"], found["ioapic"], found["invtsc"]) == (None, None, None)


def test_every_attribute_belongs_to_a_key():
    assert set(MACHINE_KEYS.values()) == set(MACHINE_ATTRIBUTES)

# SPDX-License-Identifier: Apache-2.0
"""The kernel's noise on the CPUs of RT VMs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_builders import make_host, make_vm

from kvmrt_plan.changes.change import Change, NoChange
from kvmrt_plan.changes.knobs import knob_changes
from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.desired.model import Configuration, HostPolicy
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.placement.place import place

KNOBS = {
    "sysctl/kernel.watchdog_cpumask": "0-7",
    "sysctl/kernel.timer_migration": "1",
    "sysctl/kernel.sched_rt_runtime_us": "950000",
    "sysctl/vm.stat_interval": "1",
    "ksm/run": "1",
    "power/governor/2": "powersave",
    "power/governor/3": "performance",
    "power/latency/3": "0",
}
RT = make_vm(1, "rt", cpuset="2-3", rt=True)


def considered(policy, *, vms=(RT,), knobs=KNOBS, held=None):
    facts = replace(make_host(sockets=1, cores=8, threads=1, nodes=1), knobs=knobs, held=held or {})
    configuration = Configuration(host=policy, vms=vms)
    return list(knob_changes(policy, Masks(facts, place(configuration, facts))))


def written(found):
    return {one.address: (one.before, one.after) for one in found if isinstance(one, Change)}


def test_nothing_is_managed_that_the_configuration_does_not_ask_for():
    assert considered(HostPolicy()) == []


def test_a_quiet_kernel_keeps_watchdog_statistics_and_merging_off_the_cpus():
    found = considered(HostPolicy(quiet_kernel=True))

    assert written(found) == {
        "sysctl/kernel.watchdog_cpumask": ("0-7", "0-1,4-7"),
        "sysctl/vm.stat_interval": ("1", "10"),
        "ksm/run": ("1", "0"),
    }
    right = [one.address for one in found if isinstance(one, NoChange)]
    assert right == ["sysctl/kernel.timer_migration"]


def test_a_setting_that_the_kernel_does_not_have_is_not_planned():
    found = considered(HostPolicy(quiet_kernel=True), knobs={"ksm/run": "0"})

    assert written(found) == {}


def test_power_is_set_on_the_cpus_that_are_used():
    found = considered(HostPolicy(governor="performance", cpu_latency_us=3))

    assert written(found) == {
        "power/governor/2": ("powersave", "performance"),
        "power/latency/3": ("0", "3"),
    }


def test_throttling_ends_only_where_it_is_asked_for():
    found = considered(HostPolicy(rt_throttling=False))

    assert written(found) == {"sysctl/kernel.sched_rt_runtime_us": ("950000", "-1")}


def test_without_an_rt_vm_nothing_is_asked():
    vm = make_vm(1, "other", cpuset="2-3")

    assert considered(HostPolicy(quiet_kernel=True, governor="performance"), vms=(vm,)) == []


@pytest.mark.parametrize(
    ("now", "expected"),
    [("-1", {"sysctl/kernel.sched_rt_runtime_us": ("-1", "950000")}), ("900000", {})],
    ids=["as we wrote it", "changed by somebody since"],
)
def test_a_held_value_is_given_back_unless_somebody_else_changed_it(now, expected):
    held = {"sysctl/kernel.sched_rt_runtime_us": HeldValue(original="950000", written="-1")}
    knobs = {"sysctl/kernel.sched_rt_runtime_us": now}

    assert written(considered(HostPolicy(), vms=(), knobs=knobs, held=held)) == expected

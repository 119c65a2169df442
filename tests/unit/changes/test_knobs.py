# SPDX-License-Identifier: Apache-2.0
"""The kernel's noise on the CPUs of RT VMs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_builders import make_host, make_vm

from kvmrt_plan.changes.change import Change, NoChange
from kvmrt_plan.changes.knobs import knob_changes
from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.desired.host_knobs import PageMerging, TransparentHugepages
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


def test_words_of_the_kernel_follow_the_attributes_that_are_set():
    knobs = {
        "ksm/run": "1",
        "thp/enabled": "always",
        "sysctl/kernel.nmi_watchdog": "1",
        "machinecheck/ignore_ce": "0",
    }
    policy = HostPolicy(
        quiet_kernel=True,
        page_merging=PageMerging.UNMERGED,
        transparent_hugepages=TransparentHugepages.NEVER,
        nmi_watchdog=False,
        machine_check_polling=False,
    )

    assert written(considered(policy, knobs=knobs)) == {
        "ksm/run": ("1", "2"),
        "thp/enabled": ("always", "never"),
        "sysctl/kernel.nmi_watchdog": ("1", "0"),
        "machinecheck/ignore_ce": ("0", "1"),
    }
    assert considered(HostPolicy(), knobs=knobs) == []


def test_the_fair_server_ends_with_throttling_and_on_cpus_of_rt_vms_alone():
    knobs = {f"power/fair-server/{cpu}": "50000000" for cpu in (1, 2, 3)}

    assert written(considered(HostPolicy(rt_throttling=False), knobs=knobs)) == {
        "power/fair-server/2": ("50000000", "0"),
        "power/fair-server/3": ("50000000", "0"),
    }


def test_idle_states_that_take_longer_are_switched_off_where_rt_vms_run():
    latencies = {
        f"power/idle-state{state}/{cpu}": exit_us
        for cpu in (1, 2)
        for state, exit_us in enumerate((0, 10, 133))
    }
    facts = replace(
        make_host(sockets=1, cores=8, threads=1, nodes=1),
        knobs=dict.fromkeys(latencies, "0"),
        idle_exit_us=latencies,
    )
    policy = HostPolicy(idle_exit_us=10)
    masks = Masks(facts, place(Configuration(host=policy, vms=(RT,)), facts))

    assert written(knob_changes(policy, masks)) == {"power/idle-state2/2": ("0", "1")}


@pytest.mark.parametrize(
    ("governor", "first", "then"),
    [("powersave", "power/energy/2", "power/governor/2"),
     ("performance", "power/governor/2", "power/energy/2")],
    ids=["taken", "given back"],
)  # fmt: skip
def test_the_preference_is_set_before_the_governor_that_fixes_it_and_back_after(
    governor, first, then
):
    knobs = {"power/governor/2": governor, "power/energy/2": "balance_power"}
    other = "powersave" if governor == "performance" else "performance"
    policy = HostPolicy(governor=other, energy_preference="power")

    found = considered(policy, knobs=knobs)

    assert {one.address: one.requires for one in found} == {first: (), then: (first,)}


def test_a_cpu_that_is_offline_is_given_back_when_it_returns():
    held = {"power/governor/2": HeldValue(original="powersave", written="performance")}

    assert considered(HostPolicy(), vms=(), knobs={}, held=held) == []
    back = considered(HostPolicy(), vms=(), knobs={"power/governor/2": "performance"}, held=held)
    assert written(back) == {"power/governor/2": ("performance", "powersave")}

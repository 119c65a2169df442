# SPDX-License-Identifier: Apache-2.0
"""irqbalance leaves the CPUs of RT VMs alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_builders import cpus, make_host, make_kernel, make_vm

from kvmrt_plan.changes.change import Change, NoChange
from kvmrt_plan.changes.irqbalance import irqbalance_changes
from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.desired.irqbalance import IrqbalancePolicy
from kvmrt_plan.desired.model import Configuration, HostPolicy
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.facts.irqbalance import Irqbalance
from kvmrt_plan.facts.services import Services
from kvmrt_plan.placement.place import place

FILE = "/etc/default/irqbalance"
MANAGED = HostPolicy(irqbalance=IrqbalancePolicy.MANAGED)
RT = make_vm(1, "rt", cpuset="4-5", rt=True)
RUNS = Irqbalance(is_running=True, banned=None, file=FILE, live=cpus(""))


def considered(balancer, *, policy=MANAGED, vms=(RT,), held=None, **kernel):
    facts = replace(
        make_host(sockets=1, cores=8, threads=1, nodes=1),
        services=Services(irqbalance=balancer, tuned_profile=None),
        kernel=make_kernel(**kernel),
        held=held or {},
    )
    configuration = Configuration(host=policy, vms=vms)
    return list(irqbalance_changes(policy, Masks(facts, place(configuration, facts))))


def told(found):
    return {
        one.address: (one.before, one.after) if isinstance(one, Change) else one.value
        for one in found
    }


def test_unset_it_is_unmanaged():
    assert considered(RUNS, policy=HostPolicy()) == []


def test_settings_and_daemon_are_told_the_union_with_boot_isolation():
    assert told(considered(RUNS, isolated=cpus("7"), nohz_full=cpus("6"))) == {
        f"irqbalance{FILE}": ("none", "4-7"),
        "irqbalance/running": ("none", "4-7"),
    }


def test_what_its_user_has_named_stays_named():
    balancer = replace(RUNS, banned=cpus("1"), base=cpus("1"), live=cpus("1"))

    assert told(considered(balancer)) == {
        f"irqbalance{FILE}": ("1", "1,4-5"),
        "irqbalance/running": ("1", "1,4-5"),
    }


def test_a_user_who_names_more_is_right_already():
    balancer = replace(RUNS, banned=cpus("3-7"), base=cpus("3-7"), live=cpus("3-7"))

    found = considered(balancer)

    assert all(isinstance(one, NoChange) for one in found)
    assert told(found) == {f"irqbalance{FILE}": "3-7", "irqbalance/running": "3-7"}


def test_a_balancer_that_does_not_run_is_right():
    assert considered(Irqbalance(is_running=False, banned=None, file=FILE)) == []


@pytest.mark.parametrize(("policy", "vms"), [(HostPolicy(), (RT,)), (MANAGED, ())])
def test_it_is_released_when_nobody_asks_any_more(policy, vms):
    ours = Irqbalance(
        is_running=True, banned=cpus("1,4-5"), file=FILE, base=cpus("1"), is_ours=True,
        live=cpus("1,4-5"),
    )  # fmt: skip
    held = {"irqbalance/running": HeldValue(original="1", written="1,4-5")}

    assert told(considered(ours, policy=policy, vms=vms, held=held)) == {
        f"irqbalance{FILE}": ("1,4-5", "1"),
        "irqbalance/running": ("1,4-5", "1"),
    }


def test_a_ban_that_somebody_has_changed_since_is_theirs():
    theirs = replace(RUNS, live=cpus("2"))
    held = {"irqbalance/running": HeldValue(original="none", written="4-5")}

    assert considered(theirs, policy=HostPolicy(), held=held) == []

# SPDX-License-Identifier: Apache-2.0
"""Packet steering leaves the CPUs of RT VMs."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import cpus, make_host, make_vm

from kvmrt_plan.changes.change import Change
from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.changes.net_queues import net_queue_changes
from kvmrt_plan.desired.model import Configuration
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.placement.place import place

RT = make_vm(1, "rt", cpuset="4-5", rt=True)


def considered(queues, *, vms=(RT,), held=None):
    facts = replace(
        make_host(sockets=1, cores=8, threads=1, nodes=1),
        net_queues={address: cpus(mask) for address, mask in queues.items()},
        held=held or {},
    )
    return list(net_queue_changes(Masks(facts, place(Configuration(vms=vms), facts))))


def written(found):
    return {one.address: (one.before, one.after) for one in found if isinstance(one, Change)}


def test_masks_keep_their_other_cpus_or_get_all_of_the_host():
    found = considered({"net/eth0/rx-0": "3-4", "net/eth0/tx-0": "5", "net/eth0/tx-1": "1"})

    assert written(found) == {
        "net/eth0/rx-0": ("3-4", "3"),
        "net/eth0/tx-0": ("5", "0-3,6-7"),
    }


def test_steering_that_is_off_stays_off():
    assert considered({"net/eth0/rx-0": ""}) == []


def test_a_mask_returns_when_no_vm_needs_the_cpus():
    held = {"net/eth0/rx-0": HeldValue(original="3-4", written="3")}

    assert written(considered({"net/eth0/rx-0": "3"}, vms=(), held=held)) == {
        "net/eth0/rx-0": ("3", "3-4")
    }

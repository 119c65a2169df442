# SPDX-License-Identifier: Apache-2.0
"""Parameters of KVM: the file for the next load, and the live values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_builders import make_domain, make_host, make_vm

from kvmrt_plan.apply.owned_lines import read_lines, write_lines
from kvmrt_plan.apply.step import Step
from kvmrt_plan.changes.change import Change, Kind, NoChange, Pending
from kvmrt_plan.changes.kvm import kvm_changes
from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.desired.kvm_model import KvmPolicy, NxHugePages
from kvmrt_plan.desired.model import Configuration
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.facts.kvm import OWN_FILE, KvmParameters, parse_kvm
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.placement.place import place

POLICY = KvmPolicy(kvmclock_periodic_sync=False, nx_huge_pages=NxHugePages.NEVER, halt_poll_ns=0)
OPTIONS = "kvm.kvmclock_periodic_sync=N kvm.nx_huge_pages=never kvm.halt_poll_ns=0"
RUNNING = {
    "kvm.kvmclock_periodic_sync": "Y",
    "kvm.nx_huge_pages": "Y",
    "kvm.halt_poll_ns": "200000",
}
KNOBS = {"kvm/halt_poll_ns": "200000", "kvm/nx_huge_pages": "Y"}
RT = make_vm(1, "rt", cpuset="2-3", rt=True)


def considered(policy, *, vms=(RT,), own=(), running=RUNNING, **values):
    kvm = KvmParameters(running=running, own=own)
    values = {"knobs": KNOBS, "kvm": kvm, **values}
    facts = replace(make_host(sockets=1, cores=8, threads=1, nodes=1), **values)
    configuration = Configuration(vms=vms)
    return list(kvm_changes(policy, Masks(facts, place(configuration, facts))))


def written(found):
    return {one.address: (one.before, one.after) for one in found if isinstance(one, Change)}


def test_what_is_unset_is_unmanaged():
    assert considered(None) == []
    assert written(considered(KvmPolicy())) == {}


def test_options_are_written_for_the_next_load_and_live_where_that_can_be_taken_back():
    assert written(considered(POLICY)) == {
        "modules/options": (None, OPTIONS),
        "kvm/halt_poll_ns": ("200000", "0"),
        "kvm/nx_huge_pages": ("Y", "N"),
    }


def test_without_an_rt_vm_only_the_file_is_written():
    assert written(considered(POLICY, vms=())) == {"modules/options": (None, OPTIONS)}


def test_written_options_are_pending_until_the_modules_have_them():
    own = tuple(OPTIONS.split())
    (waiting,) = (one for one in considered(POLICY, own=own) if isinstance(one, Pending))
    assert waiting.written == OPTIONS
    words = dict(one.split("=") for one in own)
    found = considered(POLICY, own=own, running=words, knobs={})
    assert [type(one) for one in found] == [NoChange]


def test_live_values_return_when_no_vm_needs_them():
    held = {"kvm/halt_poll_ns": HeldValue(original="200000", written="0")}
    found = considered(
        POLICY, vms=(), own=tuple(OPTIONS.split()), held=held, knobs={"kvm/halt_poll_ns": "0"}
    )
    assert written(found) == {"kvm/halt_poll_ns": ("0", "200000")}


def test_page_tables_of_running_guests_are_dropped_only_when_that_is_allowed():
    domain = make_domain(2, "other", running=True)
    found = considered(POLICY, domains={domain.uuid: domain})
    felt = {one.address: str(one.disturbance) for one in found if isinstance(one, Change)}
    assert felt == {
        "modules/options": "none",
        "kvm/halt_poll_ns": "none",
        "kvm/nx_huge_pages": "guest-threads",
    }


def step(old, new):
    return Step(1, Kind.MODULE_OPTIONS, "modules/options", old, new)


@pytest.fixture
def redhawk(repository):
    return SimulatedHost(
        load_snapshot((repository / "examples/redhawk.json").read_bytes(), file="redhawk.json")
    )


def test_the_file_is_written_and_goes_again(redhawk):
    before = dict(redhawk.texts.files)
    write_lines(redhawk, step(None, OPTIONS))
    assert redhawk.texts.files[OWN_FILE].splitlines()[1:] == [
        "options kvm kvmclock_periodic_sync=N nx_huge_pages=never halt_poll_ns=0"
    ]
    assert parse_kvm(redhawk.capture()).own == tuple(OPTIONS.split())
    assert read_lines(redhawk, step(None, OPTIONS)) == OPTIONS
    write_lines(redhawk, step(OPTIONS, None))
    assert redhawk.texts.files == before


@pytest.mark.parametrize("option", ["kvm.x=1", "evil.halt_poll_ns=0", "kvm.halt_poll_ns=$(x)"])
def test_no_other_option_is_ever_written(redhawk, option):
    with pytest.raises(WriteRefusedError, match="no option that kvmrt writes"):
        write_lines(redhawk, step(None, option))
    assert OWN_FILE not in redhawk.texts.files

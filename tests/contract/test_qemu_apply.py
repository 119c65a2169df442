# SPDX-License-Identifier: Apache-2.0
"""A guest that runs, under the real libvirtd: its threads move, it does not notice, and all comes back.

A host of two CPUs is enough, so the VM is no real-time VM; nothing else of the host is changed.
"""

from __future__ import annotations

import json
import signal

import pytest
from qemu_guest import URI, kvmrt, running_guest

from kvmrt_plan.domainxml.document import parse_domain, read_settings

pytestmark = pytest.mark.slow

#: kvmrt that ends itself with SIGKILL at the n-th write of a kind: of the journal, or by libvirt.
KILLED = """
import os, signal, sys
from kvmrt_plan.cli import apply
from kvmrt_plan.cli.main import main
from kvmrt_plan.hosts.libvirt_writer import LibvirtDomains
from kvmrt_plan.hosts.site import open_site

where, left = sys.argv[1], int(sys.argv[2])

def boundary(what):
    global left
    left -= what == where
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def open_with_boundary(*args, **named):
    return open_site(*args, boundary=boundary, **named)

def then(call, what):
    def called(*args):
        call(*args)
        boundary(what)
    return called

apply.open_site = open_with_boundary
LibvirtDomains.pin = then(LibvirtDomains.pin, "pinned")
LibvirtDomains.define = then(LibvirtDomains.define, "defined")
sys.exit(main(sys.argv[3:]))
"""


@pytest.fixture(scope="module")
def guest():
    yield from running_guest()


@pytest.fixture
def site(guest, tmp_path):
    """Options of every command: a configuration that moves the guest's threads, and a state folder."""
    configuration = tmp_path / "kvmrt.yaml"
    configuration.write_text(
        f"vms:\n  {guest.name}:\n    uuid: {guest.uuid}\n    nr_vcpus: 2\n    cpuset: 0-1\n"
        "    rt_memory: true\n    autostart: false\n"
    )
    return configuration, ("--connect", URI, "--state-dir", str(tmp_path / "state"))


def events(ran) -> list[dict]:
    return [json.loads(line) for line in ran.stdout.splitlines()]


def outcomes(ran) -> dict[str, str]:
    return {
        one["address"].split("/", 2)[2]: one["outcome"]
        for one in events(ran)
        if one["type"] == "action"
    }


def test_threads_move_now_memory_waits_for_a_restart_and_revert_brings_all_back(
    repository, guest, site, tmp_path
):
    configuration, where = site
    before = guest.pid(), guest.places(), guest.definition()
    saved = str(tmp_path / "p.json")
    planned = kvmrt(repository, "plan", "-f", str(configuration), "--connect", URI, "-o", saved)
    assert planned.returncode == 0, planned.stderr

    apply = ("apply", saved, "--allow", "guest-threads", "--yes", "--json", *where)
    applied = kvmrt(repository, *apply)

    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert guest.pid() == before[0]
    assert {place for name, place in guest.places() if name.startswith("CPU ")} == {"1"}
    assert {place for name, place in guest.places() if name.startswith("qemu")} == {"0"}
    settings = read_settings(parse_domain(guest.definition(), domain=guest.name))
    pins = {key: settings[key] for key in ("emulatorpin", "vcpupin 0", "vcpupin 1")}
    assert pins == {"emulatorpin": "0", "vcpupin 0": "1", "vcpupin 1": "1"}
    waits = {one["address"].split("/", 2)[2] for one in events(applied)[-1]["pending"]}
    assert "memory-locked" in waits

    again = kvmrt(repository, *apply)
    assert again.returncode == 0, again.stdout + again.stderr
    assert set(outcomes(again).values()) == {"unchanged"}
    assert events(again)[-1]["status"] == "nothing-to-do"

    reverted = kvmrt(repository, "revert", "--yes", *where)
    assert reverted.returncode == 0, reverted.stdout + reverted.stderr
    assert (guest.pid(), guest.places(), guest.definition()) == before


@pytest.mark.parametrize(
    ("what", "count"),
    [("before write journal", 2), ("pinned", 2), ("defined", 1)],
    ids=["before the first write", "between two pins", "after the definition"],
)
def test_a_killed_apply_is_recovered_to_what_was_before(repository, guest, site, what, count):
    configuration, where = site
    before = guest.pid(), guest.places(), guest.definition()

    apply = ("apply", "-f", str(configuration), "--allow", "guest-threads", "--yes", *where)
    killed = kvmrt(repository, what, str(count), *apply, program=KILLED)
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    recovered = kvmrt(repository, "recover", *where)

    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    assert "recovered" in recovered.stdout
    assert (guest.pid(), guest.places(), guest.definition()) == before

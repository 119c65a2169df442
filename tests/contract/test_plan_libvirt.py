# SPDX-License-Identifier: Apache-2.0
"""A plan against libvirt's test driver: libvirt defines the domains, formats them and tells of them.

tests/contract/test_qemu_apply.py has the real one.
"""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID

import pytest

from kvmrt_plan.cli.main import main
from kvmrt_plan.desired.model import Configuration, VirtualMachine
from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.facts.slices import vm_slice
from kvmrt_plan.hosts.libvirt_domains import read_libvirt
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.values.cpuset import CpuSet

libvirt = pytest.importorskip("libvirt")

URI = "test:///default"
REAL_TIME = UUID("0a3cbb4e-5c37-4f4c-8a0f-1d5a3b0c7e01")
PLAIN = UUID("0a3cbb4e-5c37-4f4c-8a0f-1d5a3b0c7e02")
RIGHT = UUID("0a3cbb4e-5c37-4f4c-8a0f-1d5a3b0c7e03")

XML = """\
<domain type='test'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>512</memory>
  <vcpu>2</vcpu>
  {more}
  <os><type>hvm</type></os>
  <cpu><topology sockets='1' cores='2' threads='1'/></cpu>
  <devices><memballoon model='virtio'/></devices>
</domain>
"""
PINNED = """\
<cputune>
  <vcpupin vcpu='0' cpuset='5'/><vcpupin vcpu='1' cpuset='6'/><emulatorpin cpuset='4'/>
</cputune>
<numatune><memory mode='strict' nodeset='0'/></numatune>
"""

VMS = (
    VirtualMachine(
        uuid=REAL_TIME, name="real-time", nr_vcpus=2, cpuset=CpuSet((1, 2, 3)), rt=True,
        autostart=False,
    ),
    VirtualMachine(uuid=PLAIN, name="plain", nr_vcpus=2, cpuset=CpuSet((8, 9)), autostart=False),
    VirtualMachine(uuid=RIGHT, name="right", nr_vcpus=2, cpuset=CpuSet((4, 5, 6)), autostart=False),
)  # fmt: skip


@pytest.fixture
def connection():
    """Three domains; those of test:///default last as long as a connection to it is open."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    opened = libvirt.open(URI)
    for vm in VMS:
        more = PINNED if vm.uuid == RIGHT else ""
        opened.defineXML(XML.format(name=vm.name, uuid=vm.uuid, more=more))
    yield opened
    for vm in VMS:
        opened.lookupByUUIDString(str(vm.uuid)).undefine()
    opened.close()


@pytest.fixture
def snapshot(repository, connection):
    """The example's machine with the domains of libvirt."""
    del connection
    content = (repository / "examples" / "two-socket.json").read_bytes()
    return replace(load_snapshot(content, file="two-socket.json"), libvirt=read_libvirt(URI))


def changes(plan):
    """Address to value before and after."""
    return {one.change.address: (one.change.before, one.change.after) for one in plan.actions}


def test_domains_get_their_pins_memory_and_no_balloon_and_one_that_is_right_stays(snapshot):
    plan = plan_host(Goal(configuration=Configuration(vms=VMS)), snapshot)

    assert changes(plan) == {
        "vm/real-time/emulatorpin": (None, "1"),
        "vm/real-time/memballoon": ("virtio", "none"),
        "vm/real-time/memory-locked": (None, "yes"),
        "vm/real-time/partition": (None, f"/{vm_slice(REAL_TIME)}".removesuffix(".slice")),
        "vm/real-time/numatune": (None, "0"),
        "vm/real-time/vcpupin 0": (None, "2"),
        "vm/real-time/vcpupin 1": (None, "3"),
        "vm/plain/emulatorpin": (None, "8"),
        "vm/plain/numatune": (None, "1"),
        "vm/plain/vcpupin 0": (None, "9"),
        "vm/plain/vcpupin 1": (None, "9"),
    }


def test_a_plan_names_what_libvirt_does_not_have(snapshot, connection):
    connection.lookupByUUIDString(str(PLAIN)).undefine()
    try:
        plan = plan_host(
            Goal(configuration=Configuration(vms=VMS)),
            replace(snapshot, libvirt=read_libvirt(URI)),
        )
    finally:
        connection.defineXML(XML.format(name="plain", uuid=PLAIN, more=""))

    assert not [address for address in changes(plan) if address.startswith("vm/plain/")]
    assert [one.vm for one in plan.findings if "libvirt" in one.summary] == ["plain"]


@pytest.mark.usefixtures("connection")
def test_the_command_asks_the_libvirt_that_connect_names(tmp_path, capsys):
    file = tmp_path / "kvmrt.yaml"
    file.write_text(
        f"vms:\n  plain:\n    uuid: {PLAIN}\n    nr_vcpus: 2\n    cpuset: 0\n    title: On CPU 0\n"
        "    numatune: ''\n    autostart: false\n"
    )
    where = ("-f", str(file), "--connect", URI)

    code = main(("plan", *where, "--json", "--detailed-exitcode"))

    assert code == 2
    actions = json.loads(capsys.readouterr().out)["actions"]
    assert {one["address"]: one["after"] for one in actions} == {
        "vm/plain/emulatorpin": "0",
        "vm/plain/title": "On CPU 0",
        "vm/plain/vcpupin 0": "0",
        "vm/plain/vcpupin 1": "0",
    }


def test_a_plan_is_applied_and_taken_back(connection, tmp_path, capsys):
    file = tmp_path / "kvmrt.yaml"
    file.write_text(
        f"vms:\n  renamed:\n    uuid: {PLAIN}\n    nr_vcpus: 2\n    cpuset: 0\n"
        "    rt_memory: true\n    hide_kvm: true\n    numatune: ''\n    autostart: false\n"
    )
    domain = connection.lookupByUUIDString(str(PLAIN))
    before = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
    where = ("--connect", URI, "--state-dir", str(tmp_path / "state"))

    applied = main(("apply", "-f", str(file), "--yes", *where))
    planned = main(("plan", "-f", str(file), "--connect", URI, "--detailed-exitcode"))
    name = connection.lookupByUUIDString(str(PLAIN)).name()
    reverted = main(("revert", "--yes", *where))

    assert (applied, planned, name, reverted) == (0, 0, "renamed", 0), capsys.readouterr()
    domain = connection.lookupByUUIDString(str(PLAIN))
    after = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
    assert after == before

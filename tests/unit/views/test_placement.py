# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt show` prints, as whole texts."""

from __future__ import annotations

import json

from facts_builders import cpus, make_configuration, make_domain, make_host, make_vm

from kvmrt_plan.desired.model import IrqAssignment, PageSize, Pinning
from kvmrt_plan.desired.thread_scheduler import SchedulerPolicy, ThreadScheduler
from kvmrt_plan.placement.place import place
from kvmrt_plan.values.cpuset import EMPTY
from kvmrt_plan.views.placement import placement_document, render_placement


def busy():
    """A running RT VM and one with escape sequences in its name, on two sockets with siblings."""
    host = make_host(
        sockets=2,
        cores=4,
        threads=2,
        nodes=2,
        offline="15",
        domains=[make_domain(1, "rt1", running=True)],
    )
    rt1 = make_vm(
        1,
        "rt1",
        "1-3",
        nr_vcpus=2,
        rt=True,
        title="Control",
        comments="remember to change\nautostart back",
    )
    web = make_vm(
        2,
        "web\x1b[2J",
        "4-5,12",
        nr_vcpus=2,
        description="serves pages " * 9,
        autostart=False,
    )
    assigned = IrqAssignment(irq="eth0", cpus=cpus("0"))
    return make_configuration(rt1, web, irqs=(assigned,)), host


def plain():
    """No siblings, no nodes, no libvirt; pins of libvirt, an RT VM that is off, a shared CPU."""
    own = make_vm(
        1,
        "own",
        "1-2",
        pinning=Pinning.LIBVIRT,
        vcpu_scheduler=ThreadScheduler(policy=SchedulerPolicy.FIFO, priority=2),
        hugepages=PageSize.SIZE_1G,
        iothreads=0,
        numatune=EMPTY,
    )
    off = make_vm(2, "off", "3-4", rt=True, autostart=False)
    both = make_vm(3, "both", "2")
    free = make_vm(4, "free")
    configuration = make_configuration(own, off, both, free, housekeeping=cpus("0"))
    return configuration, make_host(cores=20, nodes=0, libvirt_problem="refused")


def golden(repository, name):
    """The text as it was read and found right."""
    return (repository / "tests" / "cases" / "show" / f"{name}.txt").read_text(encoding="utf-8")


def shown(configuration, host):
    return render_placement(configuration, place(configuration, host), host)


RT1 = {
    "uuid": "00000000-0000-0000-0000-000000000001",
    "name": "rt1",
    "attributes": {
        "title": "Control",
        "description": "",
        "nr_vcpus": 2,
        "cpu_topology": "1,2,1",
        "cpuset": "1-3",
        "rt": True,
        "rt_memory": True,
        "numatune": "auto",
        "hide_kvm": False,
        "autostart": True,
        "comments": "remember to change\nautostart back",
        "vcpu_scheduler": None,
        "emulator_scheduler": None,
        "iothread_scheduler": None,
        "hugepages": None,
        "iothreads": None,
        "guest_clock": None,
        "pinning": "auto",
    },
    "state": "running",
    "holds_policies": True,
    "emulator": "1",
    "vcpus": ["2", "3"],
    "used": "1-3",
    "owned": "1-3,9-11",
    "offlined": "9-11",
    "nodes": "0",
    "policies": [
        "CPUs 1-3 shielded",
        "siblings 9-11 offline",
        "memory locked",
        "memory from NUMA node 0",
        "no memory balloon",
    ],
}


def test_a_vm_is_shown_with_its_defaults_resolved_and_the_policies_that_follow(repository):
    assert shown(*busy()) == golden(repository, "busy")


def test_a_host_without_libvirt_nodes_and_siblings_is_shown_as_it_is(repository):
    assert shown(*plain()) == golden(repository, "plain")


def test_lines_fit_into_80_columns_and_no_value_is_cut():
    vms = [make_vm(number, f"vm{number}", f"{2 * number}") for number in range(1, 40)]
    odd = ",".join(map(str, range(1, 255, 2)))
    host = make_host(sockets=2, cores=64, threads=2, nodes=2)
    text = shown(make_configuration(*vms, make_vm(99, "wide", odd, nr_vcpus=3)), host)
    assert max(map(len, text.splitlines())) <= 80
    joined = "".join(line.strip() for line in text.splitlines())
    assert odd in joined
    assert all(f" {cpu}" in text for cpu in host.cpus.present)
    assert "AM*" in text


def test_the_document_is_json_and_says_the_same():
    configuration, host = busy()
    document = placement_document(configuration, place(configuration, host), host)
    assert json.loads(json.dumps(document)) == document
    assert {key: document[key] for key in ("housekeeping", "isolated", "offlined", "irqs")} == {
        "housekeeping": "0,4-8,12-14",
        "isolated": "1-3,9-11",
        "offlined": "9-11",
        "irqs": [{"irq": "eth0", "cpus": "0"}],
    }
    first = document["vms"][0]
    assert first == RT1
    assert document["cpus"][10] == {
        "id": 10,
        "online": True,
        "housekeeping": False,
        "vms": [{"vm": "rt1", "emulator": False, "vcpus": [], "offlined": True}],
    }

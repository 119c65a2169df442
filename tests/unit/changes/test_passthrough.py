# SPDX-License-Identifier: Apache-2.0
"""Interrupts of passed-through devices go to the emulator CPU of their VM."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_builders import cpus, make_domain, make_host, make_irq, make_vm
from lxml import etree

from kvmrt_plan.changes.change import Change
from kvmrt_plan.changes.irq import irq_changes
from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.desired.model import Configuration, HostPolicy, IrqAssignment, Pinning
from kvmrt_plan.domainxml.passthrough import passed_devices
from kvmrt_plan.placement.place import place

DEVICE = """<domain><devices>
<hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/>
<source><address domain='0x0000' bus='0x3b' slot='0x1f' function='0x7'/></source>
<address type='pci' domain='0x0000' bus='0x06' slot='0x00' function='0x0'/></hostdev>
<hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev>
<interface type='hostdev'><source><address type='pci' domain='0x1' bus='0x05' slot='0x00'
 function='0x0'/></source></interface>
</devices></domain>"""


def moves(vm, *irqs, policy=None):
    policy = policy or HostPolicy()
    domain = replace(make_domain(1, "rt"), state="running", live_xml=DEVICE, xml=DEVICE)
    facts = replace(
        make_host(sockets=1, cores=8, threads=1, nodes=1, irqs=irqs, domains=[domain]),
        default_irq_affinity=None,
    )
    placement = place(Configuration(host=policy, vms=(vm,)), facts)
    found = irq_changes(policy, Masks(facts, placement))
    return {one.address: (one.before, one.after) for one in found if isinstance(one, Change)}


def vfio(number, affinity, action="vfio-msix[0](0000:3b:1f.7)"):
    return make_irq(number, affinity, actions=(action,))


def test_the_devices_are_those_of_the_host_and_not_their_places_in_the_guest():
    assert passed_devices(etree.fromstring(DEVICE)) == {"0000:3b:1f.7", "0001:05:00.0"}


@pytest.mark.parametrize(
    "action", ["vfio-msix[0](0000:3b:1f.7)", "vfio-msi[1](0001:05:00.0)", "vfio-intx(0000:3b:1f.7)"]
)
def test_they_go_to_the_first_cpu_of_their_vm(action):
    rt = make_vm(1, "rt", cpuset="4-6", rt=True)

    assert moves(rt, vfio(90, "0-3", action), vfio(91, "5"), vfio(92, "4")) == {
        "irq/90": ("0-3", "4"),
        "irq/91": ("5", "4"),
    }


def test_those_of_other_devices_leave_the_vm():
    rt = make_vm(1, "rt", cpuset="4-6", rt=True)

    assert moves(rt, vfio(90, "4", "vfio-msix[0](0000:99:00.0)")) == {"irq/90": ("4", "0-3,7")}


def test_an_assignment_of_the_configuration_wins():
    assigned = (IrqAssignment(irq=90, cpus=cpus("2")),)
    rt = make_vm(1, "rt", cpuset="4-6", rt=True)

    assert moves(rt, vfio(90, "4"), policy=HostPolicy(irqs=assigned)) == {"irq/90": ("4", "2")}


def test_a_vm_whose_pins_are_libvirts_has_no_emulator_cpu_here():
    rt = make_vm(1, "rt", cpuset="4-6", rt=True, pinning=Pinning.LIBVIRT)

    assert moves(rt, vfio(90, "0-3")) == {}

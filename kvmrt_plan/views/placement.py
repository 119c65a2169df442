# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt show` prints: each VM as it is understood, and which CPU does what.

Every value is in full: what does not fit into 80 columns goes on in the next line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.desired.attribute import format_attribute
from kvmrt_plan.desired.guest import MACHINE_ATTRIBUTES
from kvmrt_plan.desired.model import KVMRT_ATTRIBUTES, Pinning
from kvmrt_plan.desired.thread_scheduler import SCHEDULED
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.cpu_uses import cpu_uses, share_document
from kvmrt_plan.views.cpumap import cpu_map
from kvmrt_plan.views.terminal import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from kvmrt_plan.desired.model import Configuration, HostPolicy, VirtualMachine
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement, VmPlacement
    from kvmrt_plan.values.cpuset import CpuSet

_WIDTH = 80
_LABEL_WIDTH = 18


def render_placement(
    configuration: Configuration,
    placement: Placement,
    facts: HostFacts,
    *,
    only: Collection[str] = (),
) -> str:
    """The whole text, with a newline at its end; text from outside is escaped.

    Args:
        configuration: as it was read.
        placement: the configuration placed on the host.
        facts: the host.
        only: names of the VMs that are told in full; empty: all. The map always shows everyone.
    """
    name, file = escape_text(facts.name), escape_text(configuration.file)
    lines = fold(
        f"kvmrt show  host {name}  {file}  facts {escape_text(facts.captured)}",
        _WIDTH,
        indent=2,
        first=0,
    )
    for one in _chosen(placement, only):
        lines.append("")
        lines.extend(_vm_lines(one, facts))
    lines += ["", "host"]
    for label, text in _host_rows(configuration.host, placement):
        lines.extend(_row(label, text))
    lines += ["", "CPUs", *cpu_map(placement, facts.cpus)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _vm_lines(one: VmPlacement, facts: HostFacts) -> Iterator[str]:
    vm = one.vm
    yield from fold(f"{escape_text(vm.name)}  {vm.uuid}", _WIDTH, indent=2, first=0)
    for label, text in _attribute_rows(one):
        yield from _row(label, text)
    yield ""
    for label, text in _placement_rows(one, facts):
        yield from _row(label, text)


def _row(label: str, text: str) -> Iterator[str]:
    """A label and its text; a text of several lines keeps them."""
    head = f"  {label} ".ljust(_LABEL_WIDTH + 2)
    for number, part in enumerate(text.split("\n")):
        start = head if number == 0 else " " * len(head)
        folded = fold(escape_text(part), _WIDTH, indent=len(head), first=len(head))
        yield start + folded[0][len(head) :]
        yield from folded[1:]


def _attribute_rows(one: VmPlacement) -> Iterator[tuple[str, str]]:
    """KVM-RT's attributes with their defaults resolved, then the further ones."""
    vm = one.vm
    for attribute in KVMRT_ATTRIBUTES:
        if attribute != "name":
            yield attribute, _attribute(one, attribute)
    yield "vcpu_scheduler", str(vm.vcpu_scheduler or "unmanaged")
    yield "hugepages", str(vm.hugepages or "unmanaged")
    yield "iothreads", "unmanaged" if vm.iothreads is None else str(vm.iothreads)
    yield "guest_clock", str(vm.guest_clock or "unmanaged")
    yield "pinning", str(vm.pinning)
    for attribute in (*SCHEDULED[1:], *MACHINE_ATTRIBUTES):
        text = format_attribute(vm, attribute)
        if text is not None:
            yield attribute, text.replace(",", " ") if attribute in SCHEDULED else text


def _attribute(one: VmPlacement, attribute: str) -> str:
    vm = one.vm
    match attribute:
        case "cpu_topology":
            return f"{vm.guest_topology}" + ("" if vm.cpu_topology else " (auto)")
        case "rt_memory":
            return _word(vm.is_memory_locked) + (" (auto)" if vm.rt_memory is None else "")
        case "numatune" if vm.numatune is None:
            return ("any" if one.nodes is None else str(one.nodes)) + " (auto)"
    value = getattr(vm, attribute)
    return _word(value) if isinstance(value, bool) else str(value) or "-"


def _word(value: object) -> str:
    return "true" if value else "false"


def _placement_rows(one: VmPlacement, facts: HostFacts) -> Iterator[tuple[str, str]]:
    yield "state", _state(one, facts)
    if one.is_bound:
        yield "emulator", str(one.emulator)
        for index, cpus in enumerate(one.vcpus):
            yield f"vCPU {index}", str(cpus)
    else:
        yield "threads", "pinned by libvirt" if one.vm.pinning is Pinning.LIBVIRT else "not pinned"
    if one.owned:
        yield "CPUs owned", str(one.owned)
    if one.offlined:
        yield "CPUs offlined", str(one.offlined)
    yield "NUMA nodes", "any" if one.nodes is None else str(one.nodes)
    yield "policies", "\n".join(policies(one)) or "none"


def _state(one: VmPlacement, facts: HostFacts) -> str:
    if facts.libvirt_problem:
        return "not known, libvirt did not answer"
    domain = facts.domains.get(one.vm.uuid)
    return domain.state if domain else "libvirt has no such domain"


def policies(one: VmPlacement) -> list[str]:
    """What follows from the VM's attributes for the host and for its definition."""
    vm = one.vm
    found = []
    if vm.rt and one.owned:
        when = "" if one.holds_policies else " (once it runs)"
        found.append(f"{_some('CPU', one.used)} shielded{when}")
        if one.offlined:
            found.append(f"{_some('sibling', one.offlined)} offline{when}")
    if vm.is_memory_locked:
        found.append("memory locked")
    if one.nodes is not None:
        found.append(f"memory from {_some('NUMA node', one.nodes)}")
    if vm.rt:
        found.append("no memory balloon")
    return found


def _some(noun: str, numbers: CpuSet) -> str:
    return f"{noun} {numbers}" if len(numbers) == 1 else f"{noun}s {numbers}"


def _host_rows(host: HostPolicy, placement: Placement) -> Iterator[tuple[str, str]]:
    asked = " (auto)" if host.housekeeping is None else ""
    yield "housekeeping", _set(placement.housekeeping) + asked
    yield "isolated", _set(placement.isolated)
    yield "taken offline", _set(placement.offlined)
    yield "shield", str(host.shield)
    if host.irqs:
        yield "irqs", "\n".join(f"{one.irq} -> {one.cpus}" for one in host.irqs)


def _set(cpus: CpuSet) -> str:
    return str(cpus) or "none"


def placement_document(
    configuration: Configuration,
    placement: Placement,
    facts: HostFacts,
    *,
    only: Collection[str] = (),
) -> dict[str, Any]:
    """The same as a document for JSON; sets of CPUs are cpulists, what is not restricted is null."""
    host = configuration.host
    return {
        "format_version": "1.0",
        "host": {"name": facts.name, "captured": facts.captured},
        "file": configuration.file,
        "housekeeping": str(placement.housekeeping),
        "isolated": str(placement.isolated),
        "offlined": str(placement.offlined),
        "shield": str(host.shield),
        "irqs": [{"irq": one.irq, "cpus": str(one.cpus)} for one in host.irqs],
        "vms": [_vm_document(one, facts) for one in _chosen(placement, only)],
        "cpus": _cpu_documents(placement, facts),
    }


def _chosen(placement: Placement, only: Collection[str]) -> list[VmPlacement]:
    return [one for one in placement.vms if not only or one.vm.name in only]


def _vm_document(one: VmPlacement, facts: HostFacts) -> dict[str, Any]:
    vm, domain = one.vm, facts.domains.get(one.vm.uuid)
    return {
        "uuid": str(vm.uuid),
        "name": vm.name,
        "attributes": _attributes_document(vm),
        "state": domain.state if domain else None,
        "holds_policies": one.holds_policies,
        "emulator": str(one.emulator),
        "vcpus": [str(cpus) for cpus in one.vcpus],
        "used": str(one.used),
        "owned": str(one.owned),
        "offlined": str(one.offlined),
        "nodes": None if one.nodes is None else str(one.nodes),
        "policies": policies(one),
    }


def _attributes_document(vm: VirtualMachine) -> dict[str, Any]:
    return {
        "title": vm.title,
        "description": vm.description,
        "nr_vcpus": vm.nr_vcpus,
        "cpu_topology": str(vm.guest_topology),
        "cpuset": str(vm.cpuset),
        "rt": vm.rt,
        "rt_memory": vm.is_memory_locked,
        "numatune": "auto" if vm.numatune is None else str(vm.numatune),
        "hide_kvm": vm.hide_kvm,
        "autostart": vm.autostart,
        "comments": vm.comments,
        **{name: str(one) if (one := getattr(vm, name)) else None for name in SCHEDULED},
        "hugepages": str(vm.hugepages) if vm.hugepages else None,
        "iothreads": vm.iothreads,
        "guest_clock": str(vm.guest_clock) if vm.guest_clock else None,
        "pinning": str(vm.pinning),
        **{
            attribute: text
            for attribute in MACHINE_ATTRIBUTES
            if (text := format_attribute(vm, attribute)) is not None
        },
    }


def _cpu_documents(placement: Placement, facts: HostFacts) -> list[dict[str, Any]]:
    """Every CPU that is present, with the VMs that own it and what it does for them."""
    return [
        {
            "id": cpu,
            "online": cpu in facts.cpus.online,
            "housekeeping": use.is_housekeeping,
            "vms": [share_document(share) for share in use.shares],
        }
        for cpu, use in cpu_uses(placement, facts.cpus.present).items()
    ]

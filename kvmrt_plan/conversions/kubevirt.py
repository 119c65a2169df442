# SPDX-License-Identifier: Apache-2.0
"""VirtualMachines and VirtualMachineInstances of KubeVirt.

Source: KubeVirt's user guide ("Dedicated CPU resources", "NUMA", "Real-time workloads", "Virtual hardware")
and its API, kubevirt.io/v1. A VM without firmware.uuid gets the UUID that KubeVirt gives it: version 5 of its
name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from kvmrt_plan.conversions.converted import Converted
from kvmrt_plan.conversions.real_time import (
    STAYS,
    describe_rt,
    parse_count,
    parse_page_size,
    scheduler_for,
    topology_of,
    usual,
)
from kvmrt_plan.conversions.source import Origin, Part, text_of
from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.attribute import BadValue, parse_name, parse_uuid
from kvmrt_plan.desired.model import VirtualMachine

if TYPE_CHECKING:
    from kvmrt_plan.desired.thread_scheduler import ThreadScheduler

_KINDS = ("VirtualMachine", "VirtualMachineInstance")
#: pkg/virt-controller: the namespace of firmware UUIDs.
_FIRMWARE = UUID("6a1a24a1-4061-4607-8bf4-a3963d0c5895")
_OF_KUBERNETES = (
    "Kubernetes places and runs VMs by it; kvmrt's VMs stand on the host of the configuration"
)
_DEVICES = "disks, networks and other devices stay in libvirt's definition of the VM"
_INSTANCETYPE = "what it stands for is not in this file; write nr_vcpus and what else it sets"
_SPEC_WHYS = {
    "domain": STAYS, "volumes": _DEVICES, "networks": _DEVICES, "accessCredentials": _DEVICES,
    "instancetype": _INSTANCETYPE, "preference": _INSTANCETYPE, "dataVolumeTemplates": _DEVICES,
}  # fmt: skip


def convert_kubevirt(text: str, *, file: str) -> Converted:
    """Every VM of the file; objects of other kinds are listed."""
    origin = Origin(file)
    vms: list[VirtualMachine] = []
    uuids: dict[str, str] = {}
    documents = [one for document in origin.documents(text) for one in _objects(document)]
    for document in documents:
        vm = _convert(document, uuids)
        if vm is not None:
            vms.append(vm)
    if not vms and not origin.problems:
        origin.problems.add(
            codes.EMPTY_FILE, None, summary="the file describes no VM of KubeVirt",
            remedy=f"name a file with an object of kind {' or '.join(_KINDS)}",
        )  # fmt: skip
    findings = origin.problems.findings()
    if findings:
        return Converted(file=file, uuids={}, findings=findings)
    return Converted(
        file=file, vms=tuple(vms), uuids=uuids, left_out=tuple(origin.left_out)
    )  # fmt: skip


def _objects(document: Part) -> list[Part]:
    """The object, or those in a list (`kubectl get vm -o yaml`)."""
    if text_of(document.peek("kind")) not in ("List", *(f"{kind}List" for kind in _KINDS)):
        return [document]
    found = document.items("items")
    return [
        Part(one, document.origin, f"items[{number}]")
        for number, one in enumerate(found)
        if isinstance(one, Mapping)
    ]


def _convert(document: Part, uuids: dict[str, str]) -> VirtualMachine | None:
    kind = document.text("kind")
    if kind not in _KINDS:
        document.leave("kind", f"only {' and '.join(_KINDS)} describe VMs")
        return None
    metadata = document.part("metadata")
    name = metadata.read("name", parse_name)
    if name is None:
        if metadata.peek("name") is None:
            metadata.refuse("name", "the VM's name is expected", "write metadata.name")
        return None
    spec = document.part("spec")
    autostart = True
    spec.vm = name
    outer = spec
    if kind == "VirtualMachine":
        autostart = _autostart(spec)
        template = spec.part("template")
        spec = template.part("spec")
    domain = spec.part("domain")
    vm = _vm(domain, name, autostart=autostart, uuids=uuids)
    for part in dict.fromkeys((spec, outer)):
        part.leave_rest(lambda key: _SPEC_WHYS.get(key, _OF_KUBERNETES))
    return vm


def _autostart(spec: Part) -> bool:
    strategies = ("Always", "RerunOnFailure", "Manual", "Halted", "Once", "WaitAsReceiver")

    def parse(text: str) -> str:
        if text not in strategies:
            raise BadValue(f"one of {', '.join(strategies)} is expected", "write Always or Halted")
        return text

    strategy = spec.read("runStrategy", parse)
    running = spec.flag("running")
    if strategy is not None:
        return strategy in {"Always", "RerunOnFailure"}
    return running is not False


def _vm(
    domain: Part, name: str, *, autostart: bool, uuids: dict[str, str]
) -> VirtualMachine | None:
    cpu = domain.part("cpu")
    topology = topology_of(cpu, ("sockets", "cores", "threads"))
    nr_vcpus = topology.product if topology else _requested(domain)
    firmware = domain.part("firmware")
    uuid = firmware.read("uuid", parse_uuid)
    uuids[name] = "of the file" if uuid else "KubeVirt's own for this name"
    realtime = "realtime" in cpu
    real_time = cpu.part("realtime")
    vm = VirtualMachine(
        uuid=uuid or uuid5(_FIRMWARE, name),
        name=name,
        nr_vcpus=nr_vcpus,
        cpu_topology=usual(topology, nr_vcpus),
        rt=realtime,
        hide_kvm=bool(domain.part("features").part("kvm").flag("hidden")),
        autostart=autostart,
        hugepages=domain.part("memory").part("hugepages").read("pageSize", parse_page_size),
        iothreads=_iothreads(domain),
        vcpu_scheduler=_scheduler(real_time, nr_vcpus, is_rt=realtime),
    )
    _cpu_rest(cpu, is_rt=realtime, nr_vcpus=nr_vcpus)
    _domain_rest(domain, is_rt=realtime)
    return vm


def _requested(domain: Part) -> int:
    """Whole CPUs that are requested; KubeVirt gives one where nothing is."""
    resources = domain.part("resources")
    for kind in ("limits", "requests"):
        number = resources.part(kind).peek("cpu")
        if number is not None:
            return resources.part(kind).read("cpu", _whole) or 1
    return 1


def _whole(text: str) -> int:
    digits = text.removesuffix("000m") if text.endswith("000m") else text
    try:
        return parse_count(digits)
    except BadValue:
        raise BadValue("a whole number of CPUs is expected", "write cpu.cores") from None


def _scheduler(real_time: Part, nr_vcpus: int, *, is_rt: bool) -> ThreadScheduler | None:
    return scheduler_for(real_time, "mask", nr_vcpus) if is_rt else None


def _iothreads(domain: Part) -> int | None:
    """One for `shared`; how many `auto` means is decided when the VM starts."""
    if domain.peek("ioThreadsPolicy") == "shared":
        domain.text("ioThreadsPolicy")
        return 1
    domain.leave("ioThreadsPolicy", "the number is decided when the VM starts; write iothreads")
    return None


def _cpu_rest(cpu: Part, *, is_rt: bool, nr_vcpus: int) -> None:
    if cpu.flag("dedicatedCpuPlacement") and not is_rt:
        cpu.leave("dedicatedCpuPlacement", "it names no CPUs of a host; write a cpuset")
    # An RT VM's emulator thread has a CPU of its own in any case.
    if cpu.flag("isolateEmulatorThread") and not is_rt:
        cpu.leave("isolateEmulatorThread", "the first CPU of a cpuset takes it; write a cpuset")
    cpu.leave("numa", "kvmrt has no NUMA nodes of guests; numatune binds the memory on the host")
    describe_rt(cpu, is_rt=is_rt, nr_vcpus=nr_vcpus)
    cpu.leave_rest(lambda _: STAYS)


def _domain_rest(domain: Part, *, is_rt: bool) -> None:
    devices = domain.part("devices")
    balloon = devices.flag("autoattachMemBalloon")
    if balloon is False and not is_rt:
        devices.leave("autoattachMemBalloon", "kvmrt takes away the balloons of RT VMs only")
    if balloon and is_rt:
        devices.leave("autoattachMemBalloon", "an RT VM has no balloon")
    devices.leave_rest(lambda _: _DEVICES)
    # What of these is carried over was read by `_vm`.
    for key, read in (("features", "kvm"), ("firmware", "uuid"), ("memory", "hugepages")):
        part = domain.part(key)
        for name in part:
            if name != read:
                part.leave(name, STAYS)
    resources = domain.part("resources")
    for kind in list(resources):
        for name in list(resources.part(kind)):
            if name != "cpu":
                resources.part(kind).leave(name, STAYS)
    domain.leave_rest(lambda _: STAYS)

# SPDX-License-Identifier: Apache-2.0
"""A flavor of OpenStack Nova as a VM.

Source: Nova's configuration guide, "Extra Specs", and its admin guide, "Real Time". Read are the output of
`openstack flavor show -f json` (properties as an object, or as one text as old clients print them), the same
with `-f yaml` and `-f shell`, and plain lines `key=value`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.conversions.converted import Converted, made_uuid
from kvmrt_plan.conversions.real_time import (
    STAYS,
    describe_rt,
    parse_count,
    parse_page_size,
    scheduler_for,
    topology_of,
    usual,
)
from kvmrt_plan.conversions.source import Origin, Part
from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.attribute import BadValue, parse_name
from kvmrt_plan.desired.model import VirtualMachine
from kvmrt_plan.desired.problems import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.desired.model import GuestTopology, PageSize
    from kvmrt_plan.desired.thread_scheduler import ThreadScheduler

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w:.\-]*)\s*=\s*(.*?)\s*")
#: In an old client's `properties`: hw:cpu_policy='dedicated', hw:numa_nodes='1'.
_QUOTED_PROPERTY = re.compile(r"([\w:.\-]+)='([^']*)'")
_OF_SCHEDULER = "Nova chooses hosts by it; kvmrt's VMs stand on the host of the configuration"
_SIZES = "memory and disks stay in libvirt's definition of the VM"
_GUEST_NODES = "kvmrt has no NUMA nodes of guests; numatune binds the memory on the host"
_STAYS_THERE = "kvmrt chooses no devices; they stay in libvirt's definition of the VM"
_WHYS = (
    (r"(?:ram|disk|swap|rxtx_factor|.*ephemeral)", _SIZES),
    (r"(?:id|access_project_ids|.*is_public|.*disabled)", "it is about Nova's flavors and not about a VM"),
    (r"(?:trait|resources|group_policy|accel|aggregate_instance_extra_specs|capabilities).*", _OF_SCHEDULER),
    (r"hw:numa_(?:nodes|cpus|mem).*", _GUEST_NODES),
    (r"hw:pci_numa_affinity_policy", _STAYS_THERE),
    (r"hw:cpu_dedicated_mask", "kvmrt pins all vCPUs of a VM or none"),
    (r"hw:cpu_max_.*", "kvmrt chooses no topology; say it with cpu_topology"),
    (r"quota:.*", "kvmrt has no limits of CPU time and bandwidth; they stay in libvirt's definition"),
)  # fmt: skip
_TOPOLOGY = ("hw:cpu_sockets", "hw:cpu_cores", "hw:cpu_threads")


def convert_flavor(text: str, *, file: str) -> Converted:
    """The flavor as one VM."""
    origin = Origin(file)
    flavor = _flavor(text, origin)
    if flavor is None:
        return Converted(file=file, uuids={}, findings=origin.problems.findings())
    vm = _vm(flavor, _properties(flavor))
    findings = origin.problems.findings()
    if vm is None or findings:
        return Converted(file=file, uuids={}, findings=findings)
    return Converted(
        file=file,
        vms=(vm,),
        uuids={vm.name: "made of the flavor's name, a flavor is no VM"},
        left_out=tuple(origin.left_out),
    )


def _flavor(text: str, origin: Origin) -> Part | None:
    """The flavor, properties included; None when there is none, which is a problem."""
    first = next((line for line in text.splitlines() if line.strip(" \t")[:1] not in {"", "#"}), "")
    if _ASSIGNMENT.fullmatch(first):
        return _from_lines(text, origin)
    documents = origin.documents(text)
    if not documents and not origin.problems:
        origin.problems.add(
            codes.EMPTY_FILE, None, summary="the file describes no flavor",
            remedy="write `openstack flavor show NAME -f json` into it",
        )  # fmt: skip
    return documents[0] if documents else None


def _from_lines(text: str, origin: Origin) -> Part | None:
    found: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        matched = _ASSIGNMENT.fullmatch(line)
        if matched:
            key, value = matched[1], matched[2]
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            found[key], lines[key] = value, number
        elif line.strip() and not line.strip().startswith("#"):
            origin.problems.add(
                codes.SYNTAX, number, summary=f"{quote(line)}: KEY=VALUE is expected",
                remedy="write one property per line, such as hw:cpu_policy=dedicated",
            )  # fmt: skip
    return _Lines(found, origin, lines)


class _Lines(Part):
    """A flavor of plain lines."""

    def __init__(self, value: dict[str, str], origin: Origin, lines: dict[str, int]) -> None:
        super().__init__(value, origin, "")
        self._lines = lines

    def line(self, key: str | None = None) -> int | None:
        return self._lines.get(key or "")


def _properties(flavor: Part) -> Part:
    """The properties: an object, a text, or, where there is neither, the flavor itself."""
    raw = flavor.peek("properties")
    if raw is None:
        return flavor
    if isinstance(raw, str):
        flavor.text("properties")
        found = dict(_QUOTED_PROPERTY.findall(raw))
        if not found and raw.strip() not in {"", "{}"}:
            flavor.refuse("properties", "properties are expected", "use `-f json`")
        line = flavor.line("properties") or 0
        return _Lines(found, flavor.origin, dict.fromkeys(found, line))
    return flavor.part("properties")


def _vm(flavor: Part, properties: Part) -> VirtualMachine | None:
    name = flavor.read("name", parse_name) or "flavor"
    flavor.vm = properties.vm = name
    nr_vcpus = flavor.read("vcpus", parse_count)
    if nr_vcpus is None:
        if flavor.peek("vcpus") is None:
            flavor.refuse("vcpus", "the number of vCPUs is expected", "write it, such as vcpus=4")
        return None
    is_rt = bool(properties.flag("hw:cpu_realtime"))
    vm = VirtualMachine(
        uuid=made_uuid("nova-flavor", name),
        name=name,
        description=flavor.text("description") or "",
        nr_vcpus=nr_vcpus,
        cpu_topology=usual(_topology(properties, nr_vcpus), nr_vcpus),
        rt=is_rt,
        rt_memory=True if properties.flag("hw:locked_memory") and not is_rt else None,
        hide_kvm=_hides_kvm(properties),
        hugepages=_pages(properties),
        vcpu_scheduler=_scheduler(properties, nr_vcpus, is_rt=is_rt),
    )
    _policies(properties, is_rt=is_rt, nr_vcpus=nr_vcpus)
    for part in dict.fromkeys((properties, flavor)):
        part.leave_rest(_why)
    return vm


def _why(key: str) -> str:
    return next((why for pattern, why in _WHYS if re.fullmatch(pattern, key)), STAYS)


def _topology(properties: Part, nr_vcpus: int) -> GuestTopology | None:
    """As Nova does it: what is missing follows from the number of vCPUs, sockets first."""
    given = topology_of(properties, _TOPOLOGY)
    if given is None:
        return None
    missing = [key for key in _TOPOLOGY if key not in properties]
    field = {"hw:cpu_sockets": "sockets", "hw:cpu_cores": "cores", "hw:cpu_threads": "threads"}
    if missing and nr_vcpus % given.product == 0:
        given = replace(given, **{field[missing[0]]: nr_vcpus // given.product})
    if given.product == nr_vcpus:
        return given
    for key in _TOPOLOGY:
        properties.leave(key, f"the product is not {nr_vcpus}, the number of vCPUs")
    return None


def _hides_kvm(properties: Part) -> bool:
    new, old = (properties.flag(key) for key in ("hw:hide_hypervisor_id", "hide_hypervisor_id"))
    return bool(new or old)


def _pages(properties: Part) -> PageSize | None:
    key = "hw:mem_page_size"
    if properties.peek(key) == "large":
        properties.leave(key, "the host's largest pages; write hugepages: 2M or 1G")
        return None
    return properties.read(key, parse_page_size)


def _scheduler(properties: Part, nr_vcpus: int, *, is_rt: bool) -> ThreadScheduler | None:
    key = "hw:cpu_realtime_mask"
    if is_rt:
        return scheduler_for(properties, key, nr_vcpus)
    properties.leave(key, "it counts only with hw:cpu_realtime")
    return None


def _policies(properties: Part, *, is_rt: bool, nr_vcpus: int) -> None:
    """Policies that kvmrt has no word for: what of them holds anyway is no loss."""
    policy = properties.read("hw:cpu_policy", _one_of("dedicated", "shared", "mixed"))
    if policy == "mixed":
        properties.leave("hw:cpu_policy", "kvmrt pins all vCPUs of a VM or none")
    elif policy == "dedicated" and not is_rt:
        properties.leave("hw:cpu_policy", "a flavor names no CPUs of a host; write a cpuset")
    threads = properties.read("hw:cpu_thread_policy", _one_of("prefer", "isolate", "require"))
    if threads and not (is_rt and threads == "isolate"):
        properties.leave(
            "hw:cpu_thread_policy",
            "an RT VM owns whole cores and runs on one thread of each; other VMs as cpuset says",
        )
    emulator = properties.read("hw:emulator_threads_policy", _one_of("isolate", "share"))
    if emulator == "share":
        properties.leave(
            "hw:emulator_threads_policy", "the first CPU of cpuset takes all threads but vCPUs"
        )
    describe_rt(properties, is_rt=is_rt, nr_vcpus=nr_vcpus)


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise BadValue(f"one of {', '.join(words)} is expected", f"write {' or '.join(words)}")
        return text

    return parse

# SPDX-License-Identifier: Apache-2.0
"""An inventory of SEAPATH (LF Energy): the VMs of its group `VMs`, and what its machines say about CPUs.

Source: seapath/ansible, the variables of its inventories and of templates/vm/guest.xml.j2: `rt` among a VM's
vm_features makes its vCPUs fifo (rt_priority, or 1), `isolated` pins vCPU N to entry N of cpuset.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kvmrt_plan.conversions.converted import Converted, made_uuid
from kvmrt_plan.conversions.real_time import STAYS, parse_count
from kvmrt_plan.conversions.source import Origin, Part, text_of
from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.attribute import (
    MAX_PRIORITY,
    BadValue,
    integer_parser,
    parse_cpuset,
    parse_name,
    parse_uuid,
)
from kvmrt_plan.desired.model import PageSize, VirtualMachine
from kvmrt_plan.desired.thread_scheduler import SchedulerPolicy, ThreadScheduler
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_GROUPS = 1000
_FEATURES = {
    "rt": "", "isolated": "", "dpdk": "",
    "memballoon": "an RT VM has no balloon, and that of another VM stays in libvirt's definition",
}  # fmt: skip
_OF_ANSIBLE = "it tells Ansible how to reach or make the VM"
_VM_WHYS = (
    (r"ansible_.*|wait_for_connection|vm_template|vm_disk|vm_dir|force|enable|disk_.*|.*_disk", _OF_ANSIBLE),
    (r"preferred_host|pinned_host|colocated_vms|strong_colocation|priority|live_migration.*|migrat.*|.*_timeout",
     "the cluster places VMs by it; kvmrt's VMs stand on the host of the configuration"),
)  # fmt: skip
_BOOT = (
    "it is a boot argument: `kvmrt validate-host` checks those; the plan shields cpusets of RT VMs"
)
_MACHINE_WHYS = {
    "isolcpus": _BOOT,
    "irqmask": "the plan moves interrupts off the CPUs of RT VMs; a finding tells what irqbalance may undo",
    "cpusystem": "the plan keeps slices off the CPUs of RT VMs; they may use all others",
    "cpuuser": "the plan keeps slices off the CPUs of RT VMs; they may use all others",
    "cpumachines": "a VM runs where its own cpuset says",
    "cpumachinesrt": "a VM runs where its own cpuset says",
    "cpumachinesnort": "a VM runs where its own cpuset says",
    "cpuovs": "it is left to the unit of Open vSwitch",
    "workqueuemask": "",
}  # fmt: skip


def convert_seapath(text: str, *, file: str) -> Converted:
    """The VMs of the inventory, and the housekeeping CPUs where all machines agree on them."""
    origin = Origin(file)
    inventory = _Inventory(origin.documents(text))
    uuids: dict[str, str] = {}
    vms = [vm for name, part in inventory.members("VMs").items() if (vm := _vm(name, part, uuids))]
    housekeeping = _machines(inventory)
    if not vms and not origin.problems:
        origin.problems.add(
            codes.EMPTY_FILE, None, summary="the inventory has no VMs",
            remedy="name an inventory with a group VMs and hosts in it",
        )  # fmt: skip
    findings = origin.problems.findings()
    if findings:
        return Converted(file=file, uuids={}, findings=findings)
    return Converted(
        file=file,
        vms=tuple(vms),
        uuids=uuids,
        left_out=tuple(origin.left_out),
        housekeeping=housekeeping,
    )


class _Inventory:
    """Ansible's groups: hosts, vars and children, to any depth, one group in several places."""

    def __init__(self, documents: list[Part]) -> None:
        self._hosts: dict[str, dict[str, list[Part]]] = {}
        self._vars: dict[str, list[Part]] = {}
        self._children: dict[str, list[str]] = {}
        self._count = 0
        for document in documents:
            self._groups(document)

    def _groups(self, parent: Part) -> list[str]:
        names = []
        for name in parent:
            self._count += 1
            if self._count > _MOST_GROUPS:
                parent.refuse(name, f"at most {_MOST_GROUPS} groups are expected", "remove some")
                break
            group = parent.part(name)
            hosts = group.part("hosts")
            for host in hosts:
                self._hosts.setdefault(name, {}).setdefault(str(host), []).append(hosts.part(host))
            self._vars.setdefault(name, []).append(group.part("vars"))
            self._children.setdefault(name, []).extend(self._groups(group.part("children")))
            names.append(name)
        return names

    def members(self, group: str) -> dict[str, list[Part]]:
        """The hosts of a group and its children, each with its own variables and then those of groups."""
        inside = self._below(group, ())
        names = [host for one in inside for host in self._hosts.get(one, {})]
        return {name: self._variables(name) for name in dict.fromkeys(names)}

    def _below(self, group: str, above: tuple[str, ...]) -> list[str]:
        if group in above:
            return []
        children = self._children.get(group, ())
        return [group, *(one for child in children for one in self._below(child, (*above, group)))]

    def _variables(self, host: str) -> list[Part]:
        own = [part for hosts in self._hosts.values() for part in hosts.get(host, ())]
        # Ansible: the variables of a child group come before those of its parents, `all` is the last.
        groups = [group for group, hosts in self._hosts.items() if host in hosts]
        around = [group for group in self._children if set(self._below(group, ())) & set(groups)]
        around.sort(key=lambda group: (group == "all", len(self._below(group, ()))))
        return [*own, *(part for group in around for part in self._vars.get(group, ()))]


def _find(parts: list[Part], key: str) -> Part | None:
    """The part that decides the variable; None when none has it."""
    found = next((part for part in parts if part.peek(key) is not None), None)
    if found is not None and "{{" in text_of(found.peek(key)):
        found.leave(key, "it is a template, and only Ansible knows what becomes of it")
        return None
    return found


def _text(parts: list[Part], key: str) -> str:
    part = _find(parts, key)
    return (part.text(key) or "").strip() if part else ""


def _number(parts: list[Part], key: str, default: int, most: int) -> int:
    part = _find(parts, key)
    parse = parse_count if most > MAX_PRIORITY else integer_parser(1, most)
    return (part.read(key, parse) if part else None) or default


def _vm(name: str, parts: list[Part], uuids: dict[str, str]) -> VirtualMachine | None:
    own = parts[0]
    for part in parts:
        part.vm = name
    try:
        parse_name(name)
    except BadValue as error:
        own.origin.problems.add(
            codes.BAD_VALUE, own.line(), summary=f"VM {name!r}: {error.expected}", remedy=error.remedy
        )  # fmt: skip
        return None
    features = _features(parts)
    listed = _cpuset(parts)
    is_rt, is_pinned = "rt" in features, "isolated" in features
    nr_vcpus = len(listed) or _number(parts, "nb_cpu", 1, 4096)
    uuid_part = _find(parts, "uuid")
    uuid = uuid_part.read("uuid", parse_uuid) if uuid_part else None
    uuids[name] = "of the inventory" if uuid else "made of its name, the inventory has none"
    vm = VirtualMachine(
        uuid=uuid or made_uuid("seapath", name),
        name=name,
        description=_text(parts, "description"),
        nr_vcpus=nr_vcpus,
        cpuset=_cpus(parts, listed, is_rt=is_rt) if is_pinned else EMPTY,
        rt=is_rt,
        hugepages=PageSize.SIZE_1G if "dpdk" in features else None,
        vcpu_scheduler=_scheduler(parts) if is_rt and listed else None,
    )
    if listed and not is_pinned:
        own.leave("cpuset", "without the feature isolated it gives the number of vCPUs alone")
    own.leave_rest(_vm_why)
    return vm


def _vm_why(key: str) -> str:
    return next((why for pattern, why in _VM_WHYS if re.fullmatch(pattern, key)), STAYS)


def _features(parts: list[Part]) -> list[str]:
    part = _find(parts, "vm_features")
    if part is None:
        return []
    found = [text_of(one) for one in part.items("vm_features")]
    for feature in found:
        why = _FEATURES.get(feature, STAYS)
        if why:
            part.note("vm_features", feature, why, line=part.line("vm_features"))
    return found


def _cpuset(parts: list[Part]) -> list[int]:
    """The CPUs in their order: entry N is that of vCPU N."""
    part = _find(parts, "cpuset")
    if part is None:
        return []
    value: Any = part.peek("cpuset")
    if not isinstance(value, list):
        cpus = part.read("cpuset", parse_cpuset)
        return list(cpus or EMPTY)
    found = []
    for one in part.items("cpuset"):
        try:
            (cpu,) = parse_cpuset(text_of(one))
        except (BadValue, ValueError):
            part.refuse("cpuset", "a list of CPU numbers is expected", "write it such as [4, 5]")
            return []
        found.append(cpu)
    return found


def _cpus(parts: list[Part], listed: list[int], *, is_rt: bool) -> CpuSet:
    """The cpuset with a CPU for the emulator, as far as one can tell which."""
    part = _find(parts, "emulatorpin")
    emulator = part.read("emulatorpin", parse_cpuset) if part else None
    if part and emulator and listed and (len(emulator) > 1 or min(emulator) > min(listed)):
        part.leave("emulatorpin", "the lowest CPU of a cpuset takes the emulator's threads")
        emulator = None
    cpus = CpuSet(listed) | (emulator or EMPTY)
    if listed != sorted(set(listed)):
        parts[0].note(
            "cpuset", text_of(listed), "vCPUs are pinned in ascending order, each to a CPU of its own",
            line=parts[0].line("cpuset"),
        )  # fmt: skip
    if is_rt and len(cpus) <= len(listed):
        parts[0].note(
            "cpuset", str(cpus),
            f"rt needs {len(listed) + 1} CPUs: add one below the others, for all threads but vCPUs",
            line=parts[0].line("cpuset"),
        )  # fmt: skip
    return cpus


def _scheduler(parts: list[Part]) -> ThreadScheduler:
    priority = _number(parts, "rt_priority", 1, MAX_PRIORITY)
    return ThreadScheduler(policy=SchedulerPolicy.FIFO, priority=priority)


def _machines(inventory: _Inventory) -> CpuSet | None:
    """Housekeeping CPUs by workqueuemask, or by an isolcpus up to the last CPU (`4-N`)."""
    groups = ("standalone_machine", "cluster_machines", "hypervisors")
    machines = {name: parts for group in groups for name, parts in inventory.members(group).items()}
    found: dict[CpuSet, str] = {}
    for name, parts in machines.items():
        cpus = _housekeeping(parts)
        if cpus:
            found.setdefault(cpus, name)
    for key, part in _about_cpus(machines):
        if _MACHINE_WHYS[key]:
            part.leave(key, _MACHINE_WHYS[key])
    if machines:
        part = next(iter(machines.values()))[0]
        part.note("machines", ", ".join(machines), "only their variables about CPUs are looked at")
    if len(found) > 1:
        part = next(iter(machines.values()))[0]
        said = "; ".join(f"{name} {cpus}" for cpus, name in found.items())
        part.note("housekeeping", said, "machines differ; make a configuration for each of them")
        return None
    return next(iter(found), None)


def _about_cpus(machines: Mapping[str, list[Part]]) -> Iterator[tuple[str, Part]]:
    """Each variable about CPUs where it stands, once."""
    seen = set()
    for parts in machines.values():
        for part in parts:
            for key in _MACHINE_WHYS:
                place = (key, part.line(key))
                if key in part and place not in seen:
                    seen.add(place)
                    yield key, part


def _housekeeping(parts: list[Part]) -> CpuSet | None:
    part = _find(parts, "workqueuemask")
    if part is not None:
        return part.read("workqueuemask", _parse_mask)
    part = _find(parts, "isolcpus")
    matched = re.fullmatch(r"([0-9]{1,5})-N", text_of(part.peek("isolcpus"))) if part else None
    return CpuSet(range(int(matched[1]))) if matched and 0 < int(matched[1]) < 65536 else None


def _parse_mask(text: str) -> CpuSet:
    # A mask of digits alone is a number to YAML, and a text in quotes to whoever wants to be safe.
    try:
        return CpuSet.parse_mask(text)
    except ValueError:
        raise BadValue("a hexadecimal mask of CPUs is expected", "write it such as 0f") from None

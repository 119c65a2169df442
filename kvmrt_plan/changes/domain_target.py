# SPDX-License-Identifier: Apache-2.0
"""What a VM's domain XML should say: setting keys, canonical values, and why.

`None` means that the element is absent. A key that is not in the table is unmanaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from kvmrt_plan.changes.change import Reason, ReasonCode
from kvmrt_plan.changes.machine_target import HINTS, machine_target
from kvmrt_plan.changes.scheduler_target import number_of_iothreads, scheduler_target
from kvmrt_plan.desired.attribute import format_attribute
from kvmrt_plan.desired.model import PageSize
from kvmrt_plan.facts.slices import vm_slice
from kvmrt_plan.placement.bias import is_pin, leaves_nodes_alone, leaves_pins_alone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kvmrt_plan.desired.model import VirtualMachine
    from kvmrt_plan.placement.model import VmPlacement

__all__ = ["Target", "domain_target", "implied", "is_pin"]

Target: TypeAlias = "tuple[str | None, Reason]"

_PAGE_KIB = {PageSize.SIZE_2M: "2048", PageSize.SIZE_1G: "1048576"}


def domain_target(
    placed: VmPlacement, written: Mapping[str, str], *, has_own_slice: bool = False
) -> dict[str, Target]:
    """The table for one VM.

    Args:
        placed: the VM and its share of the host.
        written: what the persistent definition says; it tells which iothreads exist and which pins
            are left over from vCPUs that are gone.
        has_own_slice: whether RT VMs live in slices of their own.
    """
    vm = placed.vm
    table = dict(_attributes(vm))
    table.update(_memory(placed))
    if not leaves_nodes_alone(vm, written):
        table["numatune"] = _numatune(placed)
    if vm.rt:
        table["memballoon"] = ("none", _because(vm, "rt", f"{vm.name} is a real-time VM"))
    for key, value, attribute in machine_target(vm):
        shown = format_attribute(vm, attribute) or ""
        is_muted = value is None and attribute in HINTS and shown == "true"
        reason = _attribute(vm, "hide_kvm" if is_muted else attribute, shown)
        table[key] = (value, reason)
    own = "/" + vm_slice(vm.uuid).removesuffix(".slice")
    if vm.rt and has_own_slice:
        table["partition"] = (own, _because(vm, "rt", f"{vm.name} is a real-time VM"))
    elif written.get("partition") == own:
        table["partition"] = (None, _because(vm, "rt", "it needs no slice of its own"))
    if not leaves_pins_alone(vm, written):
        table.update(_pins(placed, written))
    for key, value, attribute in scheduler_target(vm, written):
        text = f"{attribute} is {value}" if value else "the thread is gone"
        table[key] = (value, _because(vm, attribute, text))
    return table


def implied(key: str, vm: VirtualMachine) -> str | None:
    """What an absent element amounts to: without a topology every vCPU is a socket of its own."""
    return f"{vm.nr_vcpus},1,1" if key == "topology" else None


def _attributes(vm: VirtualMachine) -> Iterator[tuple[str, Target]]:
    yield "title", (vm.title or None, _attribute(vm, "title", vm.title or "empty"))
    yield (
        "description",
        (
            vm.description or None,
            _attribute(vm, "description", "set" if vm.description else "empty"),
        ),
    )
    yield "vcpus", (str(vm.nr_vcpus), _attribute(vm, "nr_vcpus", str(vm.nr_vcpus)))
    topology = vm.guest_topology
    shown = "auto" if vm.cpu_topology is None else str(topology)
    yield "topology", (str(topology), _attribute(vm, "cpu_topology", shown))
    hidden = "on" if vm.hide_kvm else None
    yield "kvm-hidden", (hidden, _attribute(vm, "hide_kvm", "true" if vm.hide_kvm else "false"))
    if vm.iothreads is not None:
        count = str(vm.iothreads) if vm.iothreads else None
        yield "iothreads", (count, _attribute(vm, "iothreads", str(vm.iothreads)))


def _memory(placed: VmPlacement) -> Iterator[tuple[str, Target]]:
    vm = placed.vm
    locked = "yes" if vm.is_memory_locked else None
    asked = "auto" if vm.rt_memory is None else str(vm.rt_memory).lower()
    text = f"rt_memory is {asked}" + (f" and rt is {str(vm.rt).lower()}" if asked == "auto" else "")
    yield "memory-locked", (locked, _because(vm, "rt_memory", text))
    if vm.hugepages is not None:
        value = _PAGE_KIB[vm.hugepages]
        yield "hugepages", (value, _attribute(vm, "hugepages", str(vm.hugepages)))


def _numatune(placed: VmPlacement) -> Target:
    if placed.nodes is None:
        return None, _because(placed.vm, "numatune", "its memory is not bound to nodes")
    nodes = str(placed.nodes)
    return nodes, _because(placed.vm, "numatune", f"its memory belongs on node {nodes}")


def _pins(placed: VmPlacement, written: Mapping[str, str]) -> Iterator[tuple[str, Target]]:
    """Pins of every vCPU, of the emulator and of every iothread; none for a VM without a cpuset."""
    vm = placed.vm
    if not placed.is_bound:
        reason = _because(vm, "cpuset", "cpuset is empty")
        for key in (*filter(is_pin, written), "vcpu-cpuset"):
            yield key, (None, reason)
        return
    reason = Reason(
        code=ReasonCode.CPU_BIAS,
        text=f"cpuset is {vm.cpuset}",
        source=vm.source_of("cpuset"),
    )
    yield "emulatorpin", (str(placed.emulator), reason)
    for index, cpus in enumerate(placed.vcpus):
        yield f"vcpupin {index}", (str(cpus), reason)
    for iothread in range(1, number_of_iothreads(vm, written) + 1):
        yield f"iothreadpin {iothread}", (str(placed.emulator), reason)
    yield "vcpu-placement", (None, reason)
    gone = Reason(code=ReasonCode.ATTRIBUTE, text="the thread is gone", source=reason.source)
    for key in written:
        kind, _, number = key.partition(" ")
        if kind == "vcpupin" and int(number) >= vm.nr_vcpus:
            yield key, (None, gone)


def _attribute(vm: VirtualMachine, name: str, shown: str) -> Reason:
    return _because(vm, name, f"{name} is {shown}")


def _because(vm: VirtualMachine, attribute: str, text: str) -> Reason:
    code = ReasonCode.REAL_TIME if attribute in {"rt", "rt_memory"} else ReasonCode.ATTRIBUTE
    return Reason(code=code, text=text, source=vm.source_of(attribute))

# SPDX-License-Identifier: Apache-2.0
"""From pins back to the cpuset that makes them, and which pins are nobody's to take away.

kvmrt writes pins of one shape only: the emulator and every iothread on the first CPU of a cpuset, the
vCPUs round robin on the others. Pins of any other shape were made by someone else and no cpuset can say
them: a VM without a cpuset keeps them, since what a configuration cannot express stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.model import Pinning
from kvmrt_plan.placement.place import assign
from kvmrt_plan.values.cpuset import EMPTY, MAX_ID, CpuListError, CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.desired.model import VirtualMachine

_NUMBERED = ("vcpupin ", "iothreadpin ")


def is_pin(key: str) -> bool:
    """Whether a setting of a domain binds threads to CPUs."""
    return key == "emulatorpin" or key.startswith(_NUMBERED)


def cpuset_behind(settings: Mapping[str, str]) -> CpuSet | None:
    """The cpuset from which exactly these pins follow: empty when there are none, None when no cpuset
    makes them.

    Args:
        settings: a domain's settings, as `domainxml.document.read_settings` gives them.
    """
    pins = {key: value for key, value in settings.items() if is_pin(key)}
    if not pins:
        return None if "vcpu-cpuset" in settings else EMPTY
    try:
        found = union(CpuSet.parse(value) for value in pins.values())
        # Nodes that numad chooses (`auto`) are no nodes that could stand beside a cpuset.
        CpuSet.parse(settings.get("numatune", ""))
        nr_vcpus = int(settings.get("vcpus", "1"))
        iothreads = int(settings.get("iothreads", "0"))
    except (CpuListError, ValueError):
        return None
    # The pins of more threads than these would have to be compared one by one, and are not ours.
    if "vcpu-placement" in settings or not found or nr_vcpus + iothreads + 1 != len(pins):
        return None
    emulator, vcpus = assign(found, nr_vcpus)
    wanted = {"emulatorpin": str(emulator)}
    wanted.update({f"vcpupin {index}": str(cpus) for index, cpus in enumerate(vcpus)})
    wanted.update({f"iothreadpin {index}": str(emulator) for index in range(1, iothreads + 1)})
    return found if pins == wanted else None


def leaves_pins_alone(vm: VirtualMachine, settings: Mapping[str, str]) -> bool:
    """Whether the pins of the VM's domain stay what they are: the configuration says so, or it names
    no CPUs and no cpuset could say these pins.
    """
    if vm.pinning is Pinning.LIBVIRT:
        return True
    return not vm.cpuset and cpuset_behind(_afterwards(vm, settings)) is None


def leaves_nodes_alone(vm: VirtualMachine, settings: Mapping[str, str]) -> bool:
    """Whether the NUMA nodes of the VM's domain stay what they are: kvmrt binds memory only together
    with pins, so that without a cpuset only nodes beside pins of its shape can be its own.
    """
    return not vm.cpuset and vm.numatune != EMPTY and not cpuset_behind(_afterwards(vm, settings))


def _afterwards(vm: VirtualMachine, settings: Mapping[str, str]) -> dict[str, str]:
    """The settings as they are once the rest of the plan is applied: libvirt drops the pins of threads
    that are gone. Judged by the present ones, a second plan could come to another answer.
    """
    after = dict(settings)
    after["vcpus"] = str(vm.nr_vcpus)
    if vm.iothreads is not None:
        after["iothreads"] = str(vm.iothreads)
    if vm.numatune == EMPTY:
        after.pop("numatune", None)
    iothreads = after.get("iothreads", "0")
    last = {
        "vcpupin": vm.nr_vcpus - 1,
        "iothreadpin": int(iothreads) if iothreads.isdecimal() else MAX_ID,
    }
    for key in settings:
        kind, _, number = key.partition(" ")
        if kind in last and int(number) > last[kind]:
            del after[key]
    return after

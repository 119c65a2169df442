# SPDX-License-Identifier: Apache-2.0
"""How the threads of a guest should be scheduled, as keys of its definition.

libvirt refuses a definition that schedules a vCPU or an iothread which does not exist ("vCPU '1' is not
present in domain definition", "Cannot find 'iothread' : 1"; measured with 9.0), so that what is left over
from threads that go, goes with them, also where scheduling is unmanaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.thread_scheduler import SCHEDULED, SchedulerPolicy, ThreadScheduler

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kvmrt_plan.desired.model import VirtualMachine

#: The attribute behind each family of keys.
ATTRIBUTE_OF = dict(zip(("vcpusched", "emulatorsched", "iothreadsched"), SCHEDULED, strict=True))


def scheduler_target(
    vm: VirtualMachine, written: Mapping[str, str]
) -> Iterator[tuple[str, str | None, str]]:
    """Key, value and attribute of each thread whose scheduling is managed, and of those that go.

    Args:
        vm: the VM.
        written: what its definition says; it tells which iothreads there are.
    """
    iothreads = number_of_iothreads(vm, written)
    for key in (
        *(f"vcpusched {index}" for index in range(vm.nr_vcpus)),
        "emulatorsched",
        *(f"iothreadsched {number}" for number in range(1, iothreads + 1)),
    ):
        attribute = ATTRIBUTE_OF[key.partition(" ")[0]]
        scheduler = getattr(vm, attribute)
        if scheduler is not None:
            yield key, str(scheduler), attribute
    for key in written:
        kind, _, number = key.partition(" ")
        if kind == "vcpusched" and int(number) >= vm.nr_vcpus:
            yield key, None, "nr_vcpus"
        elif kind in ("iothreadsched", "iothreadpin") and is_gone(vm, written, int(number)):
            yield key, None, "iothreads"


def number_of_iothreads(vm: VirtualMachine, written: Mapping[str, str]) -> int:
    """As the configuration wants, or as the definition has it."""
    return vm.iothreads if vm.iothreads is not None else int(written.get("iothreads", "0"))


def is_gone(vm: VirtualMachine, written: Mapping[str, str], iothread: int) -> bool:
    """Whether the configuration takes this iothread away."""
    count = number_of_iothreads(vm, written)
    return count < int(written.get("iothreads", "0")) and iothread > count


def schedulers_of(settings: Mapping[str, str], nr_vcpus: int) -> dict[str, ThreadScheduler | None]:
    """The attributes that a definition amounts to; None where threads of a kind differ, or none has a
    real-time policy.
    """
    iothreads = int(settings.get("iothreads", "0"))
    keys = {
        "vcpu_scheduler": [f"vcpusched {index}" for index in range(nr_vcpus)],
        "emulator_scheduler": ["emulatorsched"],
        "iothread_scheduler": [f"iothreadsched {number}" for number in range(1, iothreads + 1)],
    }
    return {
        attribute: _agreed({settings.get(key, "") for key in these})
        for attribute, these in keys.items()
    }


def _agreed(found: set[str]) -> ThreadScheduler | None:
    if len(found) != 1:
        return None
    policy, _, priority = found.pop().partition(" ")
    if policy not in set(SchedulerPolicy) or not priority.isdigit():
        return None
    return ThreadScheduler(policy=SchedulerPolicy(policy), priority=int(priority))

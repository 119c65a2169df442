# SPDX-License-Identifier: Apache-2.0
"""The threads of a running guest move to the CPUs they should have.

Interface: virDomainPinVcpu, virDomainPinEmulator, virDomainPinIOThread with VIR_DOMAIN_AFFECT_LIVE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Considered, Disturbance, Kind, unless_right
from kvmrt_plan.changes.domain_target import is_pin
from kvmrt_plan.facts.slices import vm_slice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kvmrt_plan.changes.domain_target import Target
    from kvmrt_plan.facts.domain import Domain, Thread
    from kvmrt_plan.placement.model import VmPlacement


def live_pins(
    placed: VmPlacement, domain: Domain, running: Mapping[str, str], wanted: Mapping[str, Target]
) -> Iterator[Considered]:
    """A change for each thread of the guest that is not where it should be."""
    threads = thread_affinities(domain.threads)
    for key, (value, reason) in wanted.items():
        if not is_pin(key) or value is None or not has_thread(key, running):
            continue
        now = threads.get(key) or running.get(key)
        address, owner = f"vm/{placed.vm.name}/live/{key}", str(placed.vm.uuid)
        yield unless_right(
            Change(
                kind=Kind.DOMAIN_LIVE_PIN,
                address=address,
                before=now,
                after=value,
                disturbance=Disturbance.GUEST,
                reason=reason,
                # A CPU outside of the slice that the guest runs in is refused.
                requires=(f"vm-slice/{vm_slice(placed.vm.uuid)}",),
                owner=owner,
            )
        )


def thread_affinities(threads: Iterable[Thread]) -> dict[str, str]:
    """The affinity of each thread that a pin governs, by the pin's key, as cpulists."""
    found: dict[str, str] = {}
    for thread in threads:
        key = pin_of_thread(thread.name)
        if key is not None:
            found.setdefault(key, str(thread.affinity))
    return found


def pin_of_thread(name: str) -> str | None:
    """The pin that governs a QEMU thread of this name; None for threads that no pin names.

    QEMU names vCPU threads `CPU n/KVM` (`CPU n/TCG` under emulation) and iothreads `IO iothreadN`;
    the main thread carries the program's name, cut to 15 characters.
    """
    if name.startswith("CPU "):
        number = name[4:].partition("/")[0]
        return f"vcpupin {number}" if number.isdigit() else None
    if name.startswith("IO iothread"):
        number = name.removeprefix("IO iothread")
        return f"iothreadpin {number}" if number.isdigit() else None
    return "emulatorpin" if name.startswith("qemu") else None


def has_thread(key: str, running: Mapping[str, str]) -> bool:
    """Whether the running guest has the thread: it may have fewer vCPUs than the definition."""
    kind, _, number = key.partition(" ")
    if kind == "vcpupin":
        return int(number) < int(running.get("vcpus", "1"))
    if kind == "iothreadpin":
        return int(number) <= int(running.get("iothreads", "0"))
    return True

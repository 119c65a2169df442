# SPDX-License-Identifier: Apache-2.0
"""What a VM's domain XML should say of the guest's machine, for the attributes that are set.

`hide_kvm` and what KVM tells the guest exclude each other: a hidden KVM is not asked, so the hints are
absent then, whatever they are set to (a finding says so).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.attribute import format_attribute

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kvmrt_plan.desired.model import VirtualMachine

#: Attribute, key, and the values that true and false stand for; None: the element is absent.
SWITCH_VALUES: dict[str, tuple[str, str | None, str | None]] = {
    "page_sharing": ("memory-unshared", None, "yes"),
    "migratable": ("cpu-migratable", None, "off"),
    "invtsc": ("cpu-invtsc", "require", "disable"),
    "tsc_deadline": ("cpu-tsc-deadline", "require", "disable"),
    "pmu": ("pmu", "on", "off"),
    "vmport": ("vmport", "on", "off"),
    "hint_dedicated": ("kvm-hint-dedicated", "on", None),
    "poll_control": ("kvm-poll-control", "on", None),
    "hpet": ("timer-hpet", "yes", "no"),
    "kvmclock": ("timer-kvmclock", "yes", "no"),
}
#: Attribute and key where the words are the same.
WORD_KEYS = {
    "memory_allocation": "memory-allocation",
    "cpu_mode": "cpu-mode",
    "ioapic": "ioapic",
}
HINTS = ("hint_dedicated", "poll_control")


def machine_target(vm: VirtualMachine) -> Iterator[tuple[str, str | None, str]]:
    """Key, value, and the attribute that asks for it."""
    for attribute, (key, on, off) in SWITCH_VALUES.items():
        asked = getattr(vm, attribute)
        if asked is not None:
            is_muted = vm.hide_kvm and attribute in HINTS
            yield key, on if asked and not is_muted else off, attribute
    for attribute, key in WORD_KEYS.items():
        if getattr(vm, attribute) is not None:
            yield key, format_attribute(vm, attribute), attribute
    for cell, node in enumerate(vm.cell_nodes or ()):
        yield f"memnode {cell}", str(node), "cell_nodes"


def machine_of(settings: Mapping[str, str]) -> dict[str, object]:
    """The attributes that leave these settings as they are; what they cannot say is None, unmanaged."""
    from kvmrt_plan.desired.attribute import ATTRIBUTES, BadValue

    found: dict[str, object] = {"cell_nodes": None}
    for attribute, (key, on, off) in SWITCH_VALUES.items():
        value = settings.get(key)
        found[attribute] = True if value == on else False if value == off else None
    for attribute, key in WORD_KEYS.items():
        try:
            found[attribute] = ATTRIBUTES[attribute](settings.get(key, ""))
        except BadValue:
            found[attribute] = None
    return found


MACHINE_KEYS = {
    **{key: attribute for attribute, (key, _, _) in SWITCH_VALUES.items()},
    **{key: attribute for attribute, key in WORD_KEYS.items()},
    "memnode": "cell_nodes",
}

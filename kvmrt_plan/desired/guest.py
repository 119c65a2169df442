# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009, FBT003  described() is dataclasses.field(); its examples may be booleans
"""What a guest's machine looks like: attributes of a VM that are unmanaged unless they are set.

Each is one element of libvirt's XML; why a real-time guest wants which value is in docs/policies.md.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from kvmrt_plan.desired.described import described
from kvmrt_plan.values.cpuset import CpuSet  # noqa: TC001  pydantic resolves it at run time


class CpuMode(StrEnum):
    """Where the guest's CPU model comes from (libvirt: `<cpu mode>`)."""

    HOST_PASSTHROUGH = "host-passthrough"
    HOST_MODEL = "host-model"
    MAXIMUM = "maximum"


class IoapicDriver(StrEnum):
    """Who emulates the I/O APIC."""

    KVM = "kvm"
    QEMU = "qemu"


class Allocation(StrEnum):
    """When the guest's memory is taken from the host."""

    IMMEDIATE = "immediate"
    ON_DEMAND = "ondemand"


class GuestClock(StrEnum):
    """What a guest's clock follows."""

    PTP_KVM = "ptp_kvm"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestMachine:
    """Elements of the guest's machine; None is unmanaged."""

    memory_allocation: Allocation | None = described(
        "When the guest's memory is taken from the host: immediate, before it runs, or ondemand; unset: "
        "unmanaged.",
        "immediate", default=None,
    )  # fmt: skip
    page_sharing: bool | None = described(
        "Let the host merge the guest's pages with equal ones; unset: unmanaged.",
        False, default=None,
    )  # fmt: skip
    cell_nodes: CpuSet | None = described(
        "Host NUMA nodes of the guest's own NUMA cells, one for each, both ascending; unset: unmanaged.",
        "0-1", default=None,
    )  # fmt: skip
    cpu_mode: CpuMode | None = described(
        "Where the guest's CPU model comes from; unset: unmanaged.",
        "host-passthrough", default=None,
    )  # fmt: skip
    migratable: bool | None = described(
        "With host-passthrough: leave out CPU features that forbid a live migration, such as invtsc; "
        "unset: unmanaged.",
        False, default=None,
    )  # fmt: skip
    invtsc: bool | None = described(
        "Tell the guest that its time stamp counter never changes its rate; unset: unmanaged.",
        True, default=None,
    )  # fmt: skip
    tsc_deadline: bool | None = described(
        "Give the guest a timer that is programmed in units of the time stamp counter; unset: unmanaged.",
        True, default=None,
    )  # fmt: skip
    pmu: bool | None = described(
        "Give the guest performance counters; unset: unmanaged.", False, default=None
    )
    vmport: bool | None = described(
        "Emulate VMware's I/O port; unset: unmanaged.", False, default=None
    )
    ioapic: IoapicDriver | None = described(
        "Who emulates the I/O APIC: kvm, or qemu's emulator thread; unset: unmanaged.",
        "kvm", default=None,
    )  # fmt: skip
    hint_dedicated: bool | None = described(
        "Tell the guest that its vCPUs have CPUs of their own; unset: unmanaged.",
        True, default=None,
    )  # fmt: skip
    poll_control: bool | None = described(
        "Let the guest poll when it is idle, instead of the host; unset: unmanaged.",
        True, default=None,
    )  # fmt: skip
    hpet: bool | None = described(
        "Give the guest a high precision event timer; unset: unmanaged.", False, default=None
    )
    kvmclock: bool | None = described(
        "Give the guest KVM's own clock; unset: unmanaged.", True, default=None
    )


#: Those that are on, off or unmanaged.
SWITCHES = tuple(one.name for one in fields(GuestMachine) if one.type == "bool | None")
MACHINE_ATTRIBUTES = tuple(one.name for one in fields(GuestMachine))

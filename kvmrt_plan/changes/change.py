# SPDX-License-Identifier: Apache-2.0
"""A change: one address of the host, its value now and its value then."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from kvmrt_plan.diagnostics import Source


class Kind(StrEnum):
    """What a change writes to; each kind has one way to be applied and undone."""

    PARTITION_LIFT = "partition-lift"
    VM_SLICE = "vm-slice"
    SLICE_CPUS = "slice-cpus"
    SLICE_MEMORY = "slice-memory"
    PARTITION = "partition"
    CPUSET = "cpuset"
    CPUSET_WIDEN = "cpuset-widen"
    CPUSET_TASKS = "cpuset-tasks"
    SHIELD = "shield"
    WORKQUEUE_CPUMASK = "workqueue-cpumask"
    IRQ_DEFAULT_AFFINITY = "irq-default-affinity"
    IRQ_AFFINITY = "irq-affinity"
    IRQBALANCE_BAN = "irqbalance-ban"
    IRQBALANCE_FILE = "irqbalance-file"
    NET_QUEUE = "net-queue"
    KERNEL_THREAD = "kernel-thread"
    KERNEL_THREAD_CPUS = "kernel-thread-cpus"
    CPU_ONLINE = "cpu-online"
    CPU_EVACUATION = "cpu-evacuation"
    SYSCTL = "sysctl"
    CPU_POWER = "cpu-power"
    HUGEPAGES = "hugepages"
    BOOT_ARGUMENTS = "boot-arguments"
    MODULE_OPTIONS = "module-options"
    SHIELD_ASSIGNMENTS = "shield-assignments"
    DOMAIN_RENAME = "domain-rename"
    DOMAIN_XML = "domain-xml"
    DOMAIN_AUTOSTART = "domain-autostart"
    DOMAIN_LIVE_PIN = "domain-live-pin"
    GUEST_THREAD = "guest-thread"
    DOMAIN_STATE = "domain-state"
    GUEST_FILE = "guest-file"
    GUEST_SETTING = "guest-setting"
    FILE = "file"
    SERVICE = "service"


#: Kinds with which a CPU goes or comes.
HOTPLUG = frozenset({Kind.CPU_ONLINE, Kind.CPU_EVACUATION})


class Activation(StrEnum):
    """When a change takes effect."""

    NOW = "now"
    #: Only of what is pending: the kernel moves an interrupt when it fires the next time.
    NEXT_INTERRUPT = "next-interrupt"
    GUEST_RESTART = "guest-restart"
    NEXT_BOOT = "next-boot"


class Disturbance(StrEnum):
    """Who notices while it is written."""

    NONE = "none"
    #: Work of the host moves to other CPUs.
    HOST = "host"
    #: Every CPU stops for a moment (CPU hotplug runs stop_machine).
    ALL_CPUS = "all-cpus"
    #: A running guest's threads move.
    GUEST = "guest-threads"


class Undo(StrEnum):
    """How far a change can be taken back."""

    FULLY = "fully"
    GUEST_RESTART = "guest-restart"
    NEXT_BOOT = "next-boot"


class ReasonCode(StrEnum):
    """Why a change is made: a closed list, stable for those who read plans by program."""

    RT_VM_OWNS_CPUS = "rt-vm-owns-cpus"
    SIBLING_OF_RT_CPU = "sibling-of-rt-cpu"
    ASSIGNED = "assigned"
    PASSED_THROUGH = "passed-through"
    HOST_POLICY = "host-policy"
    ATTRIBUTE = "attribute"
    CPU_BIAS = "cpu-bias"
    REAL_TIME = "real-time"
    RELEASED = "released"
    REQUESTED = "requested"
    SPREAD_BY_DRIVER = "spread-by-driver"
    OPENED_BY_KERNEL = "opened-by-kernel"
    #: A partition that is made or ends lets the kernel forget where its thread was bound.
    EVICTED = "evicted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a change is made. For people only: no behaviour may hang on it."""

    code: ReasonCode
    #: Completes a sentence that begins with "because".
    text: str
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One address, before and after. CPU sets are cpulists whatever the interface takes; None: absent."""

    kind: Kind
    #: Unique in a plan: `irq/45`, `cpu/20`, `slice/system.slice`, `vm/rt1/vcpupin 0`.
    address: str
    before: str | None
    after: str | None
    activation: Activation = Activation.NOW
    disturbance: Disturbance = Disturbance.NONE
    undo: Undo = Undo.FULLY
    reason: Reason
    #: Addresses of changes that must have been made before, where those are in the plan.
    requires: tuple[str, ...] = ()
    #: What the thing is called (`eth0-rx-1`); "" where the address says it all.
    label: str = ""
    #: The value of the running guest where it differs from `before`.
    running: str | None = None
    #: The VM it is about, by UUID; "" for a policy of the host.
    owner: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether the value is right, and is only written where something else of the plan undoes it."""
        return self.before == self.after and self.kind is not Kind.CPU_EVACUATION


@dataclass(frozen=True, slots=True, kw_only=True)
class NoChange:
    """An address that was considered and found right."""

    kind: Kind
    address: str
    value: str | None
    reason: Reason
    label: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A value that is written but not yet in effect: a state of its own, neither change nor success."""

    kind: Kind
    address: str
    running: str | None
    written: str | None
    activation: Activation
    label: str = ""
    owner: str = ""


def unless_right(change: Change) -> Change | NoChange:
    """The change, or that there is none to make: the value is the wanted one already."""
    if change.before != change.after:
        return change
    return NoChange(
        kind=change.kind,
        address=change.address,
        value=change.before,
        reason=change.reason,
        label=change.label,
        owner=change.owner,
    )


#: Every address that a noun looked at, with what came of it.
Considered: TypeAlias = Change | NoChange | Pending

# SPDX-License-Identifier: Apache-2.0
"""What confines tasks to CPUs: cgroup slices, and RedHawk's shield."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmrt_plan.values.cpuset import CpuSet


class CgroupMode(StrEnum):
    """Which cgroup hierarchy carries the cpuset controller."""

    UNIFIED = "v2"
    LEGACY = "v1"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A top-level cgroup of the unified hierarchy (`system.slice`, `init.scope`)."""

    name: str
    #: cpuset.cpus; None when it is not set or the controller is off here: no restriction of its own.
    allowed: CpuSet | None
    #: cpuset.cpus.effective; None when the controller is off here.
    effective: CpuSet | None
    #: cpuset.cpus.partition (`member`, `isolated`, `isolated invalid (...)`), "" when absent.
    partition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shield:
    """RedHawk's /proc/shield: CPUs kept free of tasks, interrupts and the local timer."""

    processes: CpuSet
    irqs: CpuSet
    local_timers: CpuSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """The cgroup mode, the top-level slices by name, and the shield where the kernel has one."""

    mode: CgroupMode
    has_systemd: bool
    slices: tuple[Slice, ...]
    shield: Shield | None

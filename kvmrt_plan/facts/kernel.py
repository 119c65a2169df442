# SPDX-License-Identifier: Apache-2.0
"""The running kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmrt_plan.values.cpuset import CpuSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """Release, real-time preemption, command line, and the CPUs that were isolated at boot."""

    release: str
    version: str
    is_realtime: bool
    is_redhawk: bool
    command_line: str
    #: /sys/devices/system/cpu/isolated and nohz_full.
    isolated: CpuSet
    nohz_full: CpuSet
    boot_id: str

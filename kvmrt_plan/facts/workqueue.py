# SPDX-License-Identifier: Apache-2.0
"""The CPUs of unbound kernel workqueues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmrt_plan.values.cpuset import CpuSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Workqueue:
    """/sys/devices/virtual/workqueue: the global mask, and those of queues with a mask of their own."""

    #: By the path of the file; the global mask first, then by path (`.../writeback/cpumask`).
    masks: tuple[tuple[str, CpuSet], ...]

# SPDX-License-Identifier: Apache-2.0
"""The CPUs of unbound kernel workqueues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.facts.reading import read_cpumask

if TYPE_CHECKING:
    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.values.cpuset import CpuSet

WORKQUEUE_FOLDER = "/sys/devices/virtual/workqueue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workqueue:
    """/sys/devices/virtual/workqueue: the global mask, and those that queues have of their own."""

    #: By the path of the file; the global mask first, then by path (`.../writeback/cpumask`).
    masks: tuple[tuple[str, CpuSet], ...]


def parse_workqueue(snapshot: Snapshot) -> Workqueue:
    """The masks; none on a kernel without CONFIG_SYSFS workqueues.

    Raises:
        FactError: a mask is none (the kernel prints and takes these in hexadecimal only).
    """
    queues = [f"{name}/cpumask" for name in snapshot.entries(WORKQUEUE_FOLDER)]
    paths = [f"{WORKQUEUE_FOLDER}/{relative}" for relative in ("cpumask", *queues)]
    masks = ((path, read_cpumask(snapshot, path)) for path in paths)
    return Workqueue(masks=tuple((path, mask) for path, mask in masks if mask is not None))

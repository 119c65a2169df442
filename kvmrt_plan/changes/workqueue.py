# SPDX-License-Identifier: Apache-2.0
"""Unbound kernel work leaves the CPUs of RT VMs.

Interface: /sys/devices/virtual/workqueue/cpumask and the masks of single queues, see
Documentation/core-api/workqueue.rst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Considered, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.masks import Masks

_FOLDER = "/sys/devices/virtual/workqueue/"


def workqueue_changes(masks: Masks) -> Iterator[Considered]:
    """The global mask and each queue's own."""
    for path, now in masks.facts.workqueue.masks:
        address = f"workqueue/{path.removeprefix(_FOLDER)}"
        considered = masks.consider(Kind.WORKQUEUE_CPUMASK, address, now)
        if considered is not None:
            yield considered

# SPDX-License-Identifier: Apache-2.0
"""Network packets are not steered to the CPUs of RT VMs: RPS and XPS masks leave them.

A mask that names no CPU switches steering off, and stays. One that names CPUs of RT VMs keeps its others, or
gets all housekeeping CPUs when it has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.change import Considered
    from kvmrt_plan.changes.masks import Masks

_MEANING = {"rx": "RPS", "tx": "XPS"}


def net_queue_changes(masks: Masks) -> Iterator[Considered]:
    """The masks that name any CPU, and those that are held."""
    for address, now in masks.facts.net_queues.items():
        if not now and address not in masks.facts.held:
            continue
        label = _MEANING[address.rpartition("/")[2][:2]]
        considered = masks.consider(Kind.NET_QUEUE, address, now, label=label)
        if considered is not None:
            yield considered

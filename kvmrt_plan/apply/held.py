# SPDX-License-Identifier: Apache-2.0
"""Values as they were before our first write, kept for as long as a policy holds them.

When a VM no longer needs a policy, its addresses return to what other VMs still need of them, and to the
recorded value when no VM needs them. The file (`held.json` in the volatile state folder) is part of what a
host's capture holds, so that planning a release is as pure as any other planning. It dies with the boot,
as the values do.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kvmrt_plan.apply.step import Outcome
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.facts.held import HELD_FORMAT, HeldValue, parse_held

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.apply.journal import Record
    from kvmrt_plan.ports import StateStore

FILE = "held.json"

#: Policies of the host. Definitions are not held: they are the user's, and stay.
HELD_KINDS = frozenset(
    {
        Kind.SLICE_CPUS,
        Kind.SHIELD,
        Kind.WORKQUEUE_CPUMASK,
        Kind.IRQ_DEFAULT_AFFINITY,
        Kind.IRQ_AFFINITY,
        Kind.CPU_ONLINE,
    }
)


def settle_held(volatile: StateStore, record: Record, *, boot_id: str) -> None:
    """Bring the held values in line with a finished run; doing it twice changes nothing."""
    content = volatile.read(FILE)
    held = dict(parse_held(content.decode() if content else "", boot_id=boot_id))
    for step in record.begun:
        if step.kind not in HELD_KINDS or record.outcomes.get(step.number) is not Outcome.DONE:
            continue
        known = held.get(step.address)
        original = known.original if known is not None else step.old
        if step.new == original:
            held.pop(step.address, None)
        else:
            held[step.address] = HeldValue(original=original, written=step.new)
    if held:
        volatile.replace(FILE, _dump(held, boot_id).encode())
    else:
        volatile.remove(FILE)


def _dump(held: Mapping[str, HeldValue], boot_id: str) -> str:
    document: dict[str, Any] = {
        "format": HELD_FORMAT,
        "format_version": "1.0",
        "boot_id": boot_id,
        "values": {
            address: {"original": one.original, "written": one.written}
            for address, one in sorted(held.items())
        },
    }
    return json.dumps(document, indent=1) + "\n"

# SPDX-License-Identifier: Apache-2.0
"""Other units leave the memory of nodes that belong to RT VMs: AllowedMemoryNodes= (cgroup v2).

Best effort, and no more: it is cpuset.mems of every top-level unit but machine.slice, so that the memory of
tasks moves to other nodes and new memory comes from there (Documentation/admin-guide/cgroup-v2.rst). The
kernel's own memory and the page cache that is there already stay, and so do guests: libvirt starts them in
machine.slice, whose nodes are those of their numatune.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Change,
    Considered,
    Disturbance,
    Kind,
    Reason,
    ReasonCode,
    unless_right,
)
from kvmrt_plan.changes.masks import released
from kvmrt_plan.facts.slices import GUESTS
from kvmrt_plan.placement.memory_shield import BACKENDS, MemoryShield
from kvmrt_plan.placement.shield import HOLDERS
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.desired.model import HostPolicy, ShieldBackend
    from kvmrt_plan.facts.slices import Slices


def memory_changes(
    policy: HostPolicy, backend: ShieldBackend, masks: Masks
) -> Iterator[Considered]:
    """The nodes of each unit; nothing where no unit is, or was, confined."""
    slices = masks.facts.slices
    shield = MemoryShield(masks.facts, masks.placement)
    nodes = shield.nodes if policy.memory_shield and backend in BACKENDS else EMPTY
    for address, now in _units(slices):
        if not nodes and address not in masks.facts.held:
            continue
        before = masks.before(address, now)
        target = before - nodes or (slices.nodes or EMPTY) - nodes if nodes else before
        reason = _reason(policy, shield, nodes) if nodes else released()
        yield unless_right(
            Change(
                kind=Kind.SLICE_MEMORY,
                address=address,
                before=str(now),
                after=str(target or now),
                disturbance=Disturbance.HOST,
                reason=reason,
            )
        )


def _units(slices: Slices) -> Iterator[tuple[str, CpuSet]]:
    """Address and present nodes of each unit that can be confined. One without nodes of its own has those
    of the root; they are named in full, because clearing AllowedMemoryNodes= does not free a unit in which
    tasks are.
    """
    for unit in slices.slices:
        now = unit.nodes or unit.effective_nodes or slices.nodes
        if now and not unit.is_of_a_vm and unit.name != GUESTS and unit.name.endswith(HOLDERS):
            yield f"memory/{unit.name}", now


def _reason(policy: HostPolicy, shield: MemoryShield, nodes: CpuSet) -> Reason:
    names = sorted({name for node in nodes for name in shield.owners(node)})
    owned = "node" if len(nodes) == 1 else "nodes"
    return Reason(
        code=ReasonCode.HOST_POLICY,
        text=f"memory_shield is true, and {' and '.join(names)} {'has' if len(names) == 1 else 'have'} "
        f"{owned} {nodes}",
        source=policy.source_of("memory_shield"),
    )

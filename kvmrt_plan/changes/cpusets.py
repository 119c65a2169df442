# SPDX-License-Identifier: Apache-2.0
"""The task shield on cgroup v1: a cpuset of the housekeeping CPUs, into which the host's tasks move.

Guests have cpusets of their own beside it, made and filled by libvirt. A CPU that goes offline leaves every
cpuset of v1 but the root, and does not come back to it (kernel/cgroup/cpuset.c): so it is taken out before,
as a change like any other, from the innermost outwards, and is given back from the root inwards. A cpuset
lies within its parent at all times (EACCES, EBUSY), so one that loses some CPUs and gains others does that
in two steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Disturbance, Kind, NoChange, unless_right
from kvmrt_plan.changes.masks import released
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.facts.cpusets import CONFINED, EVERYWHERE, OURS
from kvmrt_plan.placement.place import returning_cpus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kvmrt_plan.changes.change import Considered, Reason
    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.values.cpuset import CpuSet

_OWN, _TASKS = f"cpuset/{OURS}", f"cpuset-tasks/{OURS}"


def cpuset_changes(backend: ShieldBackend, masks: Masks) -> Iterator[Considered]:
    """Kvmrt's own cpuset with the tasks in it, and what others lose when siblings go offline."""
    yield from _own(backend, masks)
    others = {
        path: cpus
        for path, cpus in masks.facts.slices.cpusets.items()
        if path.partition("/")[0] != OURS
    }
    wanted = {path: _wanted(path, cpus, masks) for path, cpus in others.items()}
    for path, cpus in others.items():
        yield from _other(path, cpus, wanted, masks)


def _own(backend: ShieldBackend, masks: Masks) -> Iterator[Considered]:
    facts, placement = masks.facts, masks.placement
    now = facts.slices.cpusets.get(OURS)
    usable = facts.cpus.online | returning_cpus(facts, placement)
    is_wanted = backend is ShieldBackend.CPUSET_V1 and bool(placement.isolated)
    wanted = placement.housekeeping & usable if is_wanted else None
    if not wanted and now is None:
        return
    reason = masks.reasons.leaving(usable) if wanted else released()
    place, goal = facts.slices.task_place, CONFINED if wanted else EVERYWHERE
    yield from _compare(Kind.CPUSET_TASKS, _TASKS, place, goal, reason)
    yield from _compare(
        Kind.CPUSET,
        _OWN,
        None if now is None else str(now),
        str(wanted) if wanted else None,
        reason,
    )


def _compare(
    kind: Kind, address: str, now: str | None, wanted: str | None, reason: Reason
) -> Iterator[Considered]:
    # Tasks need their cpuset, and one with tasks does not go.
    is_needed = (kind is Kind.CPUSET_TASKS) == (wanted == CONFINED)
    requires = (_OWN if kind is Kind.CPUSET_TASKS else _TASKS,)
    is_made = kind is Kind.CPUSET and wanted is not None
    yield unless_right(
        Change(
            kind=kind,
            address=address,
            before=now,
            after=wanted,
            disturbance=Disturbance.HOST,
            reason=reason,
            requires=requires if is_needed and not is_made else (),
        )
    )


def _wanted(path: str, now: CpuSet, masks: Masks) -> CpuSet:
    """What it had before kvmrt took CPUs out of it, without those that are to be offline."""
    facts = masks.facts
    before = masks.before(f"cpuset/{path}", now)
    usable = facts.cpus.online | returning_cpus(facts, masks.placement)
    left = before & usable - masks.placement.offlined
    # The kernel keeps its tasks running when it has no CPU left, in the next cpuset outwards.
    return left or now


def _other(
    path: str, now: CpuSet, wanted: Mapping[str, CpuSet], masks: Masks
) -> Iterator[Considered]:
    address, goal = f"cpuset/{path}", wanted[path]
    shared = now & goal
    loses = masks.reasons.leaving(now)
    if shared != now:
        inner = (one for one in wanted if one.startswith(f"{path}/"))
        yield Change(
            kind=Kind.CPUSET,
            address=address,
            before=str(now),
            after=str(shared),
            disturbance=Disturbance.HOST,
            reason=loses,
            requires=tuple(f"cpuset/{one}" for one in inner),
        )
    if shared != goal:
        outer = path.rpartition("/")[0]
        yield Change(
            kind=Kind.CPUSET_WIDEN,
            address=f"{address}/widened",
            before=str(shared),
            after=str(goal),
            disturbance=Disturbance.HOST,
            reason=released(),
            requires=(address, *((f"cpuset/{outer}/widened",) if outer else ())),
        )
    elif shared == now and address in masks.facts.held:
        yield NoChange(kind=Kind.CPUSET, address=address, value=str(now), reason=loses)

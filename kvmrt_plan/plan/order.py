# SPDX-License-Identifier: Apache-2.0
"""The order of actions.

1. Huge pages are reserved, before memory is in pieces, and partitions that end or move do so. Others leave
   then: tasks, unbound kernel work, and interrupts (the default before the single ones, so that an
   interrupt requested in between lands right), then threads of running guests. Partitions are made when
   all of these have left; the guests' threads that live outside join them then, for making a partition moves
   whoever does not belong to it.
2. Timers, watchdog and power are set when tasks have left. Siblings go offline when nothing is left on
   them; those that come back do so before all else. CPUs are evacuated when nothing can come onto them any
   more, and before power: drivers may set that anew with a CPU that comes back.
   irqbalance is told before interrupts are moved, and free again only when they are back.
3. Definitions follow: a rename first, because every later step of that VM uses the new name; then the
   XML; then autostart.
4. Whatever a change requires comes before it, even against the phases.
   Threads of the kernel that CPU hotplug waits for are raised before any CPU is switched, and lowered after.
5. A guest that stops does so before anything else, one that starts after everything else.
6. Within a phase by address, numbers in it by value; so the same changes always give the same order.
"""

from __future__ import annotations

import re
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, TypeAlias

from kvmrt_plan.changes.change import Change, Kind
from kvmrt_plan.changes.domain_state import SHUT_OFF
from kvmrt_plan.facts.irqbalance import NONE
from kvmrt_plan.values.cpuset import EMPTY, CpuListError, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterable

_PHASES = (
    Kind.HUGEPAGES,
    Kind.PARTITION_LIFT,
    Kind.VM_SLICE,
    Kind.SLICE_CPUS,
    Kind.SLICE_MEMORY,
    Kind.CPUSET,
    Kind.CPUSET_WIDEN,
    Kind.CPUSET_TASKS,
    Kind.SHIELD,
    Kind.WORKQUEUE_CPUMASK,
    Kind.KERNEL_THREAD_CPUS,
    Kind.SYSCTL,
    Kind.IRQBALANCE_FILE,
    Kind.IRQBALANCE_BAN,
    Kind.IRQ_DEFAULT_AFFINITY,
    Kind.IRQ_AFFINITY,
    Kind.SHIELD_ASSIGNMENTS,
    Kind.NET_QUEUE,
    Kind.DOMAIN_LIVE_PIN,
    Kind.PARTITION,
    Kind.GUEST_THREAD,
    Kind.CPU_ONLINE,
    Kind.CPU_EVACUATION,
    Kind.KERNEL_THREAD,
    Kind.CPU_POWER,
    Kind.DOMAIN_RENAME,
    Kind.DOMAIN_XML,
    Kind.DOMAIN_AUTOSTART,
    Kind.MODULE_OPTIONS,
    Kind.BOOT_ARGUMENTS,
    Kind.GUEST_FILE,
    Kind.GUEST_SETTING,
    Kind.FILE,
    Kind.SERVICE,
    Kind.DOMAIN_STATE,
)
PHASE = {kind: number for number, kind in enumerate(_PHASES)}

_BALANCER = frozenset({Kind.IRQBALANCE_FILE, Kind.IRQBALANCE_BAN})

_DIGITS = re.compile(r"(\d+)")

#: Phase, then the parts of the address: (0, number, "") or (1, 0, text).
Key: TypeAlias = "tuple[int, tuple[tuple[int, int, str], ...]]"


def order_key(change: Change) -> Key:
    """What a change is sorted by when nothing requires otherwise."""
    phase = PHASE[change.kind]
    if change.kind is Kind.CPU_ONLINE and change.after == "online":
        # What grows back onto the CPU needs it: masks of offline CPUs alone are refused.
        phase = -1
    elif change.kind is Kind.VM_SLICE and _is_growing(change):
        # Others have to leave its new CPUs first, and it those that others get: a CPU that stands in
        # two groups makes the partition invalid. Taken back in reverse this holds as well.
        phase = PHASE[Kind.SHIELD]
    elif change.kind is Kind.KERNEL_THREAD:
        phase = _phase_of_kthread(change)
    elif change.kind is Kind.DOMAIN_STATE and change.after == SHUT_OFF:
        phase = -3
    elif change.kind in _BALANCER and _frees(change):
        phase = PHASE[Kind.NET_QUEUE]
    return phase, natural(change.address)


def _phase_of_kthread(change: Change) -> int:
    """Whoever switches a CPU waits for rcuc and ktimers of all: they are raised before, and lowered after."""
    before, after = map(_priority, (change.before, change.after))
    return -2 if after > before else PHASE[change.kind]


def _priority(value: str | None) -> int:
    digits = (value or "").partition(" ")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _is_growing(change: Change) -> bool:
    if change.before is None or change.after is None:
        return change.before is None
    return CpuSet.parse(change.before) <= CpuSet.parse(change.after)


def _frees(change: Change) -> bool:
    """Whether irqbalance may use CPUs again that it leaves alone now."""
    try:
        before, after = (
            EMPTY if value in (None, NONE) else CpuSet.parse(value)
            for value in (change.before, change.after)
        )
    except CpuListError:
        # The order of changes is no judgement of their values.
        return False
    return not before <= after


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key under which `irq/9` comes before `irq/10`."""
    return tuple(
        (0, int(part), part) if part.isdigit() and part.isascii() else (1, 0, part)
        for part in _DIGITS.split(text)
        if part
    )


def order_changes(changes: Iterable[Change]) -> list[Change]:
    """All changes, each after what it requires (requirements that are not in the plan hold already).

    Raises:
        ValueError: two changes have the same address, or requirements form a circle.
    """
    keyed = sorted(((order_key(change), change) for change in changes), key=lambda pair: pair[0])
    ranked = [change for _, change in keyed]
    rank = {change.address: number for number, change in enumerate(ranked)}
    if len(rank) != len(ranked):
        raise ValueError("two changes have the same address")
    return [ranked[number] for number in _topological(ranked, rank)]


def _topological(ranked: list[Change], rank: dict[str, int]) -> list[int]:
    """Kahn's algorithm; among those that are free the lowest rank goes first."""
    followers: dict[int, list[int]] = {}
    blocked = [0] * len(ranked)
    for number, change in enumerate(ranked):
        for address in change.requires:
            if address in rank:
                followers.setdefault(rank[address], []).append(number)
                blocked[number] += 1
    free = [number for number, count in enumerate(blocked) if count == 0]
    heapify(free)
    done: list[int] = []
    while free:
        number = heappop(free)
        done.append(number)
        for follower in followers.get(number, ()):
            blocked[follower] -= 1
            if blocked[follower] == 0:
                heappush(free, follower)
    if len(done) != len(ranked):
        raise ValueError("changes require each other in a circle")
    return done

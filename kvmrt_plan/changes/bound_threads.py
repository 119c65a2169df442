# SPDX-License-Identifier: Apache-2.0
"""Which threads of running guests are bound to a CPU that is to go offline, and whether the plan moves them.

A thread is bound when its affinity is less than all online CPUs outside of partitions: then somebody has
chosen them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmrt_plan.changes.change import Change, Kind
from kvmrt_plan.changes.guest_thread_moves import names_of_threads
from kvmrt_plan.changes.live_pins import pin_of_thread
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from kvmrt_plan.changes.change import Considered
    from kvmrt_plan.facts.domain import Thread
    from kvmrt_plan.facts.host import HostFacts

_MOVES = frozenset({Kind.DOMAIN_LIVE_PIN, Kind.GUEST_THREAD})


class BoundThreads(NamedTuple):
    """Threads that are bound to some CPUs."""

    #: Addresses of the changes that move threads away, ascending.
    pins: tuple[str, ...]
    #: Affinities of the threads that nothing moves.
    staying: frozenset[CpuSet]


class GuestThreads:
    """The bound threads of all running guests, with the pins that a plan is about to change."""

    def __init__(
        self,
        facts: HostFacts,
        considered: Iterable[Considered],
        *,
        but: Collection[UUID] = (),
    ) -> None:
        #: By the VM and the last part of the address: `emulatorpin`, `thread/kvm-pit/cpus`.
        moves = {
            (one.owner, one.address.partition("/live/")[2] or _thread_part(one.address)): one
            for one in considered
            if isinstance(one, Change) and one.kind in _MOVES
        }
        # Partitions take their CPUs away from everybody else, also from threads that are bound to nothing.
        everywhere = facts.slices.open_to_guests(facts.cpus.online)
        #: Each different affinity and pin once: guests have hundreds of threads.
        self._bound = {
            (thread.affinity, _move_of(thread, str(uuid), names, moves))
            for uuid, domain in facts.domains.items()
            if uuid not in but
            for names in (names_of_threads(domain.threads),)
            for thread in domain.threads
            if not everywhere <= thread.affinity
        }

    def on(self, cpus: CpuSet) -> BoundThreads:
        """The threads that are bound to one of the CPUs; they stay when their pin leaves them one."""
        pins: set[str] = set()
        staying: set[CpuSet] = set()
        for affinity, pin in self._bound:
            if not cpus & affinity:
                continue
            if pin is not None and not cpus & CpuSet.parse(pin.after or ""):
                pins.add(pin.address)
            else:
                staying.add(affinity)
        return BoundThreads(tuple(sorted(pins)), frozenset(staying))


def _thread_part(address: str) -> str:
    return f"thread/{address.partition('/thread/')[2]}"


def _move_of(
    thread: Thread, uuid: str, names: Mapping[int, str], moves: Mapping[tuple[str, str], Change]
) -> Change | None:
    """What moves the thread: a change of its own, or a pin. Threads that no pin names live in the emulator's
    cgroup and move with it.
    """
    own = moves.get((uuid, f"thread/{names.get(thread.tid)}/cpus"))
    if own is not None or thread.is_outside:
        return own
    return moves.get((uuid, pin_of_thread(thread.name) or "emulatorpin"))

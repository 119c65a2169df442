# SPDX-License-Identifier: Apache-2.0
"""What a driver or the kernel moves when the run changes something else.

virtio_net spreads the interrupts of all its queues over the online CPUs with every hotplug
(drivers/net/virtio_net.c, virtnet_set_affinity; others do as much), also onto those that were just kept
free. A partition that is made, changed or lifted gives every thread of the kernel in the root's cgroup all
CPUs that the root is left with (kernel/cgroup/cpuset.c, update_tasks_cpumask), and kcompactd those of its
node when a CPU comes (mm/compaction.c, kcompactd_cpu_online).

So after each such write a run moves again what it had moved or found right (changes/spread.py); and what is
its own is judged before, since nobody can tell afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmrt_plan.apply.step import Outcome
from kvmrt_plan.apply.writers import read_unit, write_unit
from kvmrt_plan.changes.change import HOTPLUG, Kind
from kvmrt_plan.errors import WriteRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host


#: What drivers spread anew: the interrupts of their queues, and with them which CPUs send by which queue.
SPREAD = frozenset({Kind.IRQ_AFFINITY, Kind.NET_QUEUE})
_EVICTED = frozenset({Kind.KERNEL_THREAD_CPUS})
_MOVED_BY = {
    **dict.fromkeys(HOTPLUG, SPREAD | _EVICTED),
    **dict.fromkeys((Kind.VM_SLICE, Kind.PARTITION_LIFT, Kind.PARTITION), _EVICTED),
}
_NOTHING: frozenset[Kind] = frozenset()
#: Why something does not stay where it was moved.
_UNDOING = {
    **dict.fromkeys(SPREAD, "its driver spreads it when CPUs come or go"),
    **dict.fromkeys(_EVICTED, "the kernel moves it with every partition that is made or ends"),
}


def moved_by(steps: Iterable[Step]) -> frozenset[Kind]:
    """The kinds of what these writes may move besides."""
    return _NOTHING.union(*(_MOVED_BY.get(kind, _NOTHING) for kind in {one.kind for one in steps}))


def move_again(
    host: Host, steps: Sequence[Step], outcomes: Mapping[int, Outcome], kinds: frozenset[Kind]
) -> str:
    """Write once more what of these kinds a write has undone. It is in the journal already.

    Returns:
        Why one of them is not as planned; "" when all are.
    """
    done = [step for step in steps if outcomes.get(step.number) is Outcome.DONE]
    try:
        for step in done:
            if step.kind in kinds and read_unit(host, (step,)) != [step.new]:
                write_unit(host, (step,))
                if read_unit(host, (step,)) != [step.new]:
                    return f"{step.address} does not stay at {step.new}: {_UNDOING[step.kind]}"
    except WriteRefusedError as error:
        return error.problem
    return ""


class Affinities(NamedTuple):
    """What was so before it could be moved, as numbers of steps."""

    #: Where the plan or this run has them: what the kernel makes of them is nobody's wish.
    owned: frozenset[int] = frozenset()
    #: Those of a later batch that had their old value.
    old: frozenset[int] = frozenset()
    #: First steps of the later batches, which are in the journal already.
    announced: frozenset[int] = frozenset()

    def with_those(self, more: Affinities) -> Affinities:
        """These, and others."""
        return Affinities(*(one | another for one, another in zip(self, more, strict=True)))


def affinities_before(
    host: Host, moves: Sequence[Sequence[Step]], later: Sequence[Sequence[Step]]
) -> Affinities:
    """What is so now: of all moves, and of those that come after the first write that undoes some."""
    values = {step.number: _reads(host, step) for batch in moves for step in batch}
    steps = [step for batch in moves for step in batch]
    return Affinities(
        owned=frozenset(
            step.number for step in steps if values[step.number] in (step.old, step.new)
        ),
        old=frozenset(
            step.number for batch in later for step in batch if values[step.number] == step.old
        ),
        announced=frozenset(batch[0].number for batch in later),
    )


def owned_affinities(host: Host, steps: Sequence[Step]) -> frozenset[int] | None:
    """Numbers of the steps whose interrupt or thread is where this run has put it; None: nothing of the run
    moves any.
    """
    kinds = moved_by(steps)
    if not kinds:
        return None
    return frozenset(
        step.number for step in steps if step.kind in kinds and _reads(host, step) == step.new
    )


def _reads(host: Host, step: Step) -> str | None:
    try:
        return read_unit(host, (step,))[0]
    except WriteRefusedError:
        return None


def has_hotplug(steps: Sequence[Step]) -> bool:
    """Whether CPUs come or go."""
    return any(step.kind in HOTPLUG for step in steps)

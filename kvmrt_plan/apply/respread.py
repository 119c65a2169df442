# SPDX-License-Identifier: Apache-2.0
"""Interrupts that their drivers move whenever a CPU goes or comes.

virtio_net spreads the interrupts of all its queues over the online CPUs with every hotplug
(drivers/net/virtio_net.c, virtnet_set_affinity; others do as much), also onto those that were just kept
free. So with each CPU that a run switches it moves again what it had moved or found right
(changes/spread.py); and what is its own is judged before it brings CPUs back, since nobody can tell
afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmrt_plan.apply.step import Outcome
from kvmrt_plan.apply.writers import read_unit, write_unit
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host


#: What drivers spread anew: the interrupts of their queues, and with them which CPUs send by which queue.
SPREAD = frozenset({Kind.IRQ_AFFINITY, Kind.NET_QUEUE})
#: Kinds with which a CPU goes or comes.
HOTPLUG = frozenset({Kind.CPU_ONLINE, Kind.CPU_EVACUATION})


def move_again(host: Host, steps: Sequence[Step], outcomes: Mapping[int, Outcome]) -> str:
    """Write once more the affinities that a hotplug has undone. They are in the journal already.

    Returns:
        Why one of them is not as planned; "" when all are.
    """
    done = [step for step in steps if outcomes.get(step.number) is Outcome.DONE]
    try:
        for step in done:
            if step.kind in SPREAD and read_unit(host, (step,)) != [step.new]:
                write_unit(host, (step,))
                if read_unit(host, (step,)) != [step.new]:
                    return f"{step.address} does not stay at {step.new} when CPUs go offline"
    except WriteRefusedError as error:
        return error.problem
    return ""


class Affinities(NamedTuple):
    """Interrupts as they were before the first hotplug, as numbers of steps."""

    #: Where the plan or this run has them: what a driver makes of them is nobody's wish.
    owned: frozenset[int]
    #: Those of a later batch that had their old value.
    old: frozenset[int]
    #: First steps of the later batches, which are in the journal already.
    announced: frozenset[int]


NO_AFFINITIES = Affinities(frozenset(), frozenset(), frozenset())


def affinities_before(
    host: Host, moves: Sequence[Sequence[Step]], later: Sequence[Sequence[Step]]
) -> Affinities:
    """What is so now: of all moves of interrupts, and of those that come after the first hotplug."""
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


def owned_affinities(host: Host, steps: Sequence[Step]) -> frozenset[int]:
    """Numbers of the steps whose interrupt is where this run has put it."""
    return frozenset(
        step.number for step in steps if step.kind in SPREAD and _reads(host, step) == step.new
    )


def _reads(host: Host, step: Step) -> str | None:
    try:
        return read_unit(host, (step,))[0]
    except WriteRefusedError:
        return None


def has_hotplug(steps: Sequence[Step]) -> bool:
    """Whether CPUs come or go."""
    return any(step.kind in HOTPLUG for step in steps)

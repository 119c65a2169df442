# SPDX-License-Identifier: Apache-2.0
"""A step: one primitive write with its old and new value, and what became of it."""

from __future__ import annotations

from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kvmrt_plan.errors import KvmrtError
    from kvmrt_plan.plan.action import Action


class Outcome(StrEnum):
    """What became of a step."""

    DONE = "done"
    UNCHANGED = "unchanged"
    PENDING = "pending"
    FAILED = "failed"
    NOT_REACHED = "not-reached"


class Step(NamedTuple):
    """One address, from `old` to `new`. `number` is that of its action.

    A tuple, which is made in a third of a frozen dataclass's time: interrupts go by thousands.
    """

    number: int
    kind: Kind
    address: str
    old: str | None
    new: str | None
    #: UUID of the VM it is about, "" for a policy of the host.
    owner: str = ""

    def reversed(self) -> Step:
        """The step back."""
        return Step(self.number, self.kind, self.address, self.new, self.old, self.owner)


#: Kinds whose values are gone after a reboot: then there is nothing to undo.
VOLATILE = frozenset(
    {
        Kind.PARTITION_LIFT,
        Kind.VM_SLICE,
        Kind.SLICE_CPUS,
        Kind.SLICE_MEMORY,
        Kind.PARTITION,
        Kind.CPUSET,
        Kind.CPUSET_WIDEN,
        Kind.CPUSET_TASKS,
        Kind.SHIELD,
        Kind.WORKQUEUE_CPUMASK,
        Kind.IRQ_DEFAULT_AFFINITY,
        Kind.IRQ_AFFINITY,
        Kind.IRQBALANCE_BAN,
        Kind.NET_QUEUE,
        Kind.KERNEL_THREAD,
        Kind.KERNEL_THREAD_CPUS,
        Kind.CPU_ONLINE,
        Kind.CPU_EVACUATION,
        Kind.SYSCTL,
        Kind.CPU_POWER,
        Kind.HUGEPAGES,
        Kind.DOMAIN_LIVE_PIN,
        Kind.GUEST_THREAD,
        Kind.DOMAIN_STATE,
    }
)

#: Kinds that are recorded and never taken back: nobody stops a guest because something else failed.
NEVER_UNDONE = frozenset({Kind.DOMAIN_STATE})

#: Most steps that share one record of the journal. After a crash so many are read again: 20 ms.
BATCH = 4096

#: Kinds of which many steps may share a record and an fsync: each is undone by itself.
_BATCHED = frozenset({Kind.IRQ_AFFINITY, Kind.NET_QUEUE, Kind.KERNEL_THREAD_CPUS})


#: What the kernel answers when an interrupt cannot be moved at all: EIO, since 6.12 EPERM. That is a
#: property of the interrupt that cannot be read beforehand, so it does not fail a run. Nor does a queue of an
#: interface that has gone, or that cannot be steered (net/core/net-sysfs.c).
_IMMOVABLE = {
    Kind.IRQ_AFFINITY: frozenset({"EIO", "EPERM"}),
    Kind.NET_QUEUE: frozenset({"EIO", "EPERM", "ENOENT", "EOPNOTSUPP"}),
    # The one that keeps the time under nohz_full=, or has deadline tasks (kernel/cpu.c); it stays online.
    Kind.CPU_EVACUATION: frozenset({"EBUSY"}),
    # A thread that the kernel keeps, or whose cgroup does not have the CPU (sched_setaffinity(2)).
    **dict.fromkeys(
        (Kind.GUEST_THREAD, Kind.KERNEL_THREAD, Kind.KERNEL_THREAD_CPUS),
        frozenset({"EINVAL", "EOPNOTSUPP"}),
    ),
}


def step_of(action: Action) -> Step:
    """The write that an action stands for."""
    change = action.change
    return Step(
        action.number, change.kind, change.address, change.before, change.after, change.owner
    )


def may_differ(step: Step, outcome: Outcome | None) -> bool:
    """Whether the step may have left another value than there was; None: it was begun, and has no outcome."""
    if step.kind is Kind.CPU_EVACUATION and outcome is Outcome.DONE:
        # A CPU that went and is back is as it was.
        return False
    return outcome not in (Outcome.UNCHANGED, Outcome.PENDING, Outcome.NOT_REACHED)


def origins(steps: Iterable[Step]) -> dict[int, str | None]:
    """What the value of a step was before the run, where an earlier step of the run has written it too: a
    partition that is lifted and made again, a cpuset that loses CPUs and then gains others.
    """
    first: dict[str, str | None] = {}
    found: dict[int, str | None] = {}
    for step in steps:
        if step.kind is Kind.PARTITION_LIFT:
            first[step.address.removesuffix("/lifted")] = step.old
        elif step.kind is Kind.CPUSET:
            first[f"{step.address}/widened"] = step.old
        elif step.kind in (Kind.PARTITION, Kind.CPUSET_WIDEN) and step.address in first:
            found[step.number] = first[step.address]
    return found


def batches(steps: Iterable[Step]) -> Iterator[tuple[Step, ...]]:
    """Neighbours that share a record of the journal, in order.

    Moves of interrupts go by hundreds, those of threads by dozens; all elements of one domain's XML are one
    definition and so one write; every other step stands alone.
    """
    for _, group in groupby(steps, key=_batch_key):
        together = tuple(group)
        # A definition is never split: halves of it need not be valid, nor come back as they were.
        size = len(together) if together[0].kind is Kind.DOMAIN_XML else BATCH
        for start in range(0, len(together), size):
            yield together[start : start + size]


def _batch_key(step: Step) -> tuple[Kind, str]:
    if step.kind in _BATCHED:
        return step.kind, ""
    if step.kind is Kind.DOMAIN_XML:
        return step.kind, step.owner
    return step.kind, step.address


def is_immovable(step: Step, error: KvmrtError) -> bool:
    """Whether the refusal tells what kind of thing it is, and is no failure."""
    return isinstance(error, WriteRefusedError) and error.errno_name in _IMMOVABLE.get(
        step.kind, ()
    )

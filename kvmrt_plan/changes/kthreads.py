# SPDX-License-Identifier: Apache-2.0
"""Threads of the kernel: priorities on the CPUs of RT VMs, and CPUs of those that are bound to none.

Interfaces: sched_setscheduler(2), which takes threads of one CPU too; sched_setaffinity(2), which answers
EINVAL for those (PF_NO_SETAFFINITY), so that they never become an action. A thread that the kernel does not
have (rcuc/N without PREEMPT_RT) cannot starve. A partition and RedHawk's shield move unbound threads
themselves. But then the kernel forgets to which CPUs a thread had been bound, as kswapd is to those of its
node: such threads are kept there, without the CPUs of RT VMs.

Values are held as those of files are: with the last VM each thread gets back what it had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Change,
    Considered,
    Kind,
    Reason,
    ReasonCode,
    unless_right,
)
from kvmrt_plan.changes.masks import released
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.facts.kthreads import KCOMPACTD, is_forgotten
from kvmrt_plan.placement.kthreads import wanted_priorities
from kvmrt_plan.placement.shield import closed_to_kernel_threads
from kvmrt_plan.values.cpuset import EMPTY, CpuSet
from kvmrt_plan.values.threadvalue import SETTABLE, format_scheduling, parse_scheduling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.desired.kthread_model import KernelThreads
    from kvmrt_plan.facts.held import HeldValue
    from kvmrt_plan.facts.kthreads import KernelThread
    from kvmrt_plan.placement.kthreads import Wanted

#: By the last part of the address.
_KINDS = {"scheduler": Kind.KERNEL_THREAD, "cpus": Kind.KERNEL_THREAD_CPUS}


def kthread_changes(
    policy: KernelThreads | None, masks: Masks, backend: ShieldBackend
) -> Iterator[Considered]:
    """Of every thread whose priority or CPUs are managed, or are given back."""
    wanted = wanted_priorities(policy, masks.facts, masks.placement)
    leaving = _Leaving(policy, masks, backend)
    for name, thread in masks.facts.kernel_threads.items():
        considered = _scheduling(policy, masks, thread, wanted.get(name))
        if considered is not None:
            yield considered
        if thread.affinity is not None:
            considered = leaving.consider(thread.name, thread.affinity)
            if considered is not None:
                yield considered


def _scheduling(
    policy: KernelThreads | None, masks: Masks, thread: KernelThread, wanted: Wanted | None
) -> Considered | None:
    address = f"kthread/{thread.name}/scheduler"
    now = format_scheduling(thread.policy, thread.priority)
    original = _original(masks, address, now)
    if wanted is None:
        return None if original is None else _consider(address, now, original, released())
    if now.partition(" ")[0] not in SETTABLE:
        return None
    before = parse_scheduling(now if original is None else original)
    is_above = wanted.is_least and before.priority >= wanted.priority
    value = format_scheduling(*before) if is_above else f"fifo {wanted.priority}"
    return _consider(address, now, value, _reason(policy, wanted))


def _reason(policy: KernelThreads | None, wanted: Wanted) -> Reason:
    asked = getattr(policy, wanted.attribute)
    has = f"vCPUs of {wanted.vm} have {wanted.guest_priority}"
    # A number stands for itself; what competes with it is told where it matters (KR230).
    text = f"{wanted.attribute} is {asked}" + (f" and {has}" if wanted.is_least else "")
    return Reason(
        code=ReasonCode.HOST_POLICY,
        text=f"kernel_threads: {text}",
        source=policy.source_of(wanted.attribute) if policy else None,
    )


class _Leaving:
    """What becomes of threads that are bound to no CPU of their own."""

    def __init__(self, policy: KernelThreads | None, masks: Masks, backend: ShieldBackend) -> None:
        self._masks = masks
        isolated = masks.placement.isolated
        self._is_asked = bool(isolated) and policy is not None and policy.unbound is not None
        closed = closed_to_kernel_threads(backend, masks.facts, masks.placement)
        self._is_shielded = bool(isolated & closed)
        #: CPUs off which nobody else keeps them.
        self._open = isolated - closed if self._is_asked else EMPTY
        # Whoever wrote their masks beside RedHawk's shield would be overruled by its next change.
        self._is_left_alone = self._is_shielded and backend is ShieldBackend.REDHAWK

    def consider(self, name: str, affinity: CpuSet) -> Considered | None:
        """The change of one thread; None: it is not managed."""
        address, now = f"kthread/{name}/cpus", str(affinity)
        held = self._masks.facts.held.get(address)
        original = self._original(held, affinity)
        if self._is_left_alone:
            return None
        if self._is_shielded:
            is_open = bool(affinity & self._open)
            if original is None and not is_open and not self._would_be_moved(name, affinity):
                return None
        elif not self._is_asked:
            return None if original is None else _consider(address, now, original, released())
        before = affinity if original is None else CpuSet.parse(original)
        wanted = self._masks.leave(before)
        online = self._masks.facts.cpus.online
        if wanted & online == affinity & online:
            # What is offline cannot be asked for, nor taken away.
            wanted = affinity
        is_back = wanted != affinity and affinity <= wanted
        reason = released() if is_back else self._masks.reasons.leaving(before)
        return _consider(address, now, str(wanted), reason)

    def _original(self, held: HeldValue | None, affinity: CpuSet) -> str | None:
        """The value before ours, of one that is still ours or that the kernel has forgotten."""
        is_ours = held is not None and (
            held.written == str(affinity) or is_forgotten(held, affinity)
        )
        return held.original if held is not None and is_ours else None

    def _would_be_moved(self, name: str, affinity: CpuSet) -> bool:
        """A partition sends away all threads, and gives them everything back: those that were bound to some
        CPUs of the host alone, too. kcompactd does not even stay away.
        """
        facts = self._masks.facts
        is_bound = not facts.slices.left_to_the_root(facts.cpus.online) <= affinity
        is_moved = is_bound or name.startswith(KCOMPACTD)
        return is_moved and bool(affinity & self._masks.placement.isolated)


def _original(masks: Masks, address: str, now: str) -> str | None:
    """The value before ours, of one that is still ours; None of any other."""
    held = masks.facts.held.get(address)
    return held.original if held is not None and held.written == now else None


def _consider(address: str, now: str, value: str, reason: Reason) -> Considered:
    kind = _KINDS[address.rpartition("/")[2]]
    return unless_right(Change(kind=kind, address=address, before=now, after=value, reason=reason))

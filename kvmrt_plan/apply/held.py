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
from uuid import UUID

from kvmrt_plan.apply.journal import REVERT
from kvmrt_plan.apply.respread import SPREAD
from kvmrt_plan.apply.step import Outcome
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.facts.held import HELD_FORMAT, Held, HeldValue, parse_held
from kvmrt_plan.facts.kthreads import is_forgotten
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.apply.journal import Record
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import StateStore

FILE = "held.json"
_ONLINE = "online"

#: Policies of the host. Definitions are not held: they are the user's, and stay.
HELD_KINDS = frozenset(
    {
        Kind.VM_SLICE,
        Kind.SLICE_CPUS,
        Kind.SLICE_MEMORY,
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
        Kind.SYSCTL,
        Kind.CPU_POWER,
        Kind.HUGEPAGES,
    }
)


def read_held(volatile: StateStore, *, boot_id: str) -> Held:
    """What is held now.

    Raises:
        FactError: the file is none that kvmrt wrote.
    """
    content = volatile.read(FILE)
    return parse_held(
        content.decode("utf-8", "surrogateescape") if content else "", boot_id=boot_id
    )


def settle_held(volatile: StateStore, record: Record, *, boot_id: str) -> None:
    """Bring the held values in line with a finished run; doing it twice changes nothing.

    The file names the run that it was settled for, and stays when nothing is held any more: a value that
    has returned leaves no other trace of having been settled.
    """
    content = volatile.read(FILE) or b""
    before = read_held(volatile, boot_id=boot_id)
    if content and json.loads(content).get("run") == record.header.id:
        return
    values = dict(before.values)
    is_revert = record.header.purpose == REVERT
    switched = any(_is_switched_again(values, step) for step in record.begun)
    for step in record.begun:
        is_done = record.outcomes.get(step.number) is Outcome.DONE
        if step.kind in HELD_KINDS and is_done and not (is_revert and not _is_ours(values, step)):
            _settle(values, step, is_spread=switched and step.kind in SPREAD)
    holders = frozenset(UUID(one) for one in record.header.holders)
    after = Held(values=values, holders=holders if values else frozenset())
    if after != before:
        volatile.replace(FILE, _dump(after, boot_id, record.header.id).encode())


def _is_ours(values: dict[str, HeldValue], step: Step) -> bool:
    """Whether what a revert takes away is what is held: a value that somebody else has put back, or that
    an earlier revert has, leaves nothing to hold.
    """
    known = values.get(_address(step))
    return known is not None and known.written == step.old


def _is_switched_again(values: dict[str, HeldValue], step: Step) -> bool:
    """Whether the step switches a CPU that somebody had switched back: drivers have spread their queues
    since (respread.py), and what they made of them is nobody's wish.
    """
    known = values.get(step.address)
    return step.kind is Kind.CPU_ONLINE and known is not None and known.written == step.new


def _settle(values: dict[str, HeldValue], step: Step, *, is_spread: bool) -> None:
    """The first value before ours stays, until somebody else writes: what they want is then the value
    before ours, as planning has it (changes/masks.py). When it is back, nothing is held any more.
    """
    address = _address(step)
    known = values.get(address)
    if known is None and step.kind is Kind.CPU_ONLINE and step.new == _ONLINE:
        # A VM's own CPU that somebody had taken offline: it stays online when the VM needs it no more.
        return
    is_ours = known is not None and (
        is_spread or known.written == step.old or _is_forgotten(known, step)
    )
    original = known.original if known is not None and is_ours else step.old
    if step.new == original:
        values.pop(address, None)
    else:
        values[address] = HeldValue(original=original, written=step.new)


def _is_forgotten(known: HeldValue, step: Step) -> bool:
    """Whether the kernel had undone it, as it does with threads of its own."""
    if step.kind is not Kind.KERNEL_THREAD_CPUS or step.old is None:
        return False
    return is_forgotten(known, CpuSet.parse(step.old))


def _address(step: Step) -> str:
    """A cpuset that loses and gains CPUs does so in two steps, with one value behind them."""
    is_second = step.kind is Kind.CPUSET_WIDEN
    return step.address.removesuffix("/widened") if is_second else step.address


def _dump(held: Held, boot_id: str, run: str) -> str:
    document: dict[str, Any] = {
        "format": HELD_FORMAT,
        "format_version": "1.0",
        "boot_id": boot_id,
        "run": run,
        "holders": sorted(map(str, held.holders)),
        "values": {
            address: {"original": one.original, "written": one.written}
            for address, one in sorted(held.values.items())
        },
    }
    return json.dumps(document, indent=1) + "\n"

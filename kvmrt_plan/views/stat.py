# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt stat` prints: VMs with their state, locked memory and policies; their threads; what is held.

`!` marks what is not as it should be: a thread off its CPUs, an RT VM without its policies. Sets of CPUs
and names are always whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.changes.guest_threads import ThreadState, thread_states
from kvmrt_plan.rules.enforcement import missing_policies
from kvmrt_plan.rules.wording import size
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.terminal import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement, VmPlacement

_HEAD = ("", "VM", "STATE", "RT", "CPUS", "LOCKED", "POLICIES")
_THREADS_HEAD = ("", "TID", "THREAD", "ROLE", "POLICY", "PRIO", "WANTED", "ACTUAL", "CPU")
#: Columns of a terminal; what a cell that goes on needs at least; how far it is indented below its row.
_WIDTH, _NARROW, _BELOW = 80, 24, 5
_HELD_HEAD = ("", "HELD", "BEFORE", "NOW")


def render_stat(
    placement: Placement,
    facts: HostFacts,
    *,
    names: Sequence[str] = (),
    has_threads: bool = False,
    policies: Sequence[str] | None = None,
) -> str:
    """The whole text, with a newline at its end.

    Args:
        placement: the configuration on the host.
        facts: the host.
        names: only these VMs; empty: all.
        has_threads: also the threads of those that run.
        policies: lines about policies; what kvmrt holds of the host follows them. None: neither.
    """
    chosen = _chosen(placement, names)
    lines = list(_table(_HEAD, [_vm_row(one, facts) for one in chosen]))
    for one in chosen if has_threads else ():
        states = _threads(one, facts)
        if states:
            lines += ["", escape_text(one.vm.name)]
            lines += _table(_THREADS_HEAD, [_thread_row(state) for state in states])
    if policies is not None:
        lines += ["", *policies]
        rows = [
            ("", address, held.original or "absent", held.written or "absent")
            for address, held in sorted(facts.held.items())
        ]
        lines += ["", *(_table(_HELD_HEAD, rows) if rows else ["nothing is held of the host"])]
    if facts.libvirt_problem:
        lines += ["", f"libvirt: {escape_text(facts.libvirt_problem)}"]
    return "\n".join(lines) + "\n"


def _chosen(placement: Placement, names: Sequence[str]) -> list[VmPlacement]:
    return [one for one in placement.vms if not names or one.vm.name in names]


def _vm_row(one: VmPlacement, facts: HostFacts) -> tuple[str, ...]:
    domain = facts.domains.get(one.vm.uuid)
    policies, is_wrong = _policies(one, facts)
    wrong = is_wrong or any(state.deviates for state in _threads(one, facts))
    return (
        "!" if wrong else "",
        one.vm.name,
        _state(domain, facts),
        "yes" if one.vm.rt else "no",
        str(one.owned) or "any",
        _locked(domain),
        policies,
    )


def _state(domain: Domain | None, facts: HostFacts) -> str:
    if domain is not None:
        return domain.state
    return "not known" if facts.libvirt_problem else "no domain"


def _locked(domain: Domain | None) -> str:
    if domain is None or not domain.is_running:
        return "-"
    return "not known" if domain.locked_kib is None else size(domain.locked_kib)


def _policies(one: VmPlacement, facts: HostFacts) -> tuple[str, bool]:
    """In words, and whether that is wrong."""
    if not one.vm.rt:
        return "-", False
    domain = facts.domains.get(one.vm.uuid)
    runs = domain is not None and domain.is_running
    if one.vm.uuid in facts.holders:
        return ("in force" if runs else "held, though it is off"), False
    if not runs:
        return "-", False
    missing = missing_policies(one, facts)
    if missing:
        return "NOT in force: " + "; ".join(missing), True
    return "in force", False


def _threads(one: VmPlacement, facts: HostFacts) -> tuple[ThreadState, ...]:
    domain = facts.domains.get(one.vm.uuid)
    return thread_states(one, domain, facts.cpus.online) if domain else ()


def _thread_row(state: ThreadState) -> tuple[str, ...]:
    thread = state.thread
    return (
        "!" if state.deviates else "",
        str(thread.tid),
        thread.name,
        state.role,
        thread.policy.removeprefix("SCHED_"),
        str(thread.priority),
        "any" if state.wanted is None else str(state.wanted),
        state.place,
        str(thread.last_cpu),
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell; the last one is not filled up, and goes on in further lines
    where it does not fit: in its column, or below the row when that is narrow.
    """
    shown = [tuple(map(escape_text, row)) for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    widths[0] = 1
    for row in shown:
        cells = (f"{cell:<{width}}" for cell, width in zip(row[:-1], widths, strict=False))
        left = "  ".join((*cells, ""))
        if len(left) + len(row[-1]) <= _WIDTH:
            yield (left + row[-1]).rstrip()
        elif len(left) + _NARROW <= _WIDTH:
            first, *more = fold(row[-1], _WIDTH, indent=len(left))
            yield left + first.lstrip()
            yield from more
        else:
            yield left.rstrip()
            yield from fold(row[-1], _WIDTH, indent=_BELOW)


def stat_document(
    placement: Placement, facts: HostFacts, *, names: Sequence[str] = ()
) -> dict[str, Any]:
    """The same for JSON, threads and held values always included."""
    return {
        "format_version": "1.0",
        "host": {"name": facts.name, "captured": facts.captured},
        "libvirt_problem": facts.libvirt_problem,
        "vms": [_vm_document(one, facts) for one in _chosen(placement, names)],
        "held": [
            {"address": address, "before": held.original, "now": held.written}
            for address, held in sorted(facts.held.items())
        ],
    }


def _vm_document(one: VmPlacement, facts: HostFacts) -> dict[str, Any]:
    domain = facts.domains.get(one.vm.uuid)
    return {
        "name": one.vm.name,
        "uuid": str(one.vm.uuid),
        "state": domain.state if domain else None,
        "rt": one.vm.rt,
        "owned": str(one.owned),
        "locked_kib": domain.locked_kib if domain else None,
        "holds_policies": one.vm.uuid in facts.holders,
        "missing_policies": missing_policies(one, facts),
        "threads": [_thread_document(state) for state in _threads(one, facts)],
    }


def _thread_document(state: ThreadState) -> dict[str, Any]:
    thread, policy = state.thread, state.wanted_policy
    return {
        "tid": thread.tid,
        "name": thread.name,
        "role": state.role,
        "policy": thread.policy,
        "priority": thread.priority,
        "wanted_policy": policy[0] if policy else None,
        "wanted_priority": policy[1] if policy else None,
        "wanted": None if state.wanted is None else str(state.wanted),
        "affinity": str(thread.affinity),
        "outside": thread.is_outside,
        "last_cpu": thread.last_cpu,
        "deviates": state.deviates,
    }

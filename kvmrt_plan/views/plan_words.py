# SPDX-License-Identifier: Apache-2.0
"""The words for one action: what it is about, from what to what, and why. All escaped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Activation, Change, Kind
from kvmrt_plan.changes.domain_state import SHUT_OFF
from kvmrt_plan.values.text import escape_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.changes.change import NoChange, Pending, Reason
    from kvmrt_plan.plan.action import Action
    from kvmrt_plan.plan.drift import Drift

_ABSENT = "absent"
_UNTIL = {
    Activation.NOW: "now",
    Activation.NEXT_INTERRUPT: "the next interrupt",
    Activation.GUEST_RESTART: "the guest restarts",
    Activation.NEXT_BOOT: "the next boot",
}
#: Values after which something is no longer there, or no longer runs.
_ENDS = frozenset({None, "offline", SHUT_OFF})


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One line of a plan, in its parts."""

    number: str
    symbol: str
    subject: str
    value: str
    reason: str


def action_words(action: Action) -> Words:
    """`1 ~ irq 45 eth0-rx-1  affinity  0-15 -> 0-3  because ...`."""
    change = action.change
    value = _value(change)
    if change.running is not None:
        value += f" (running: {shown_value(change.running)})"
    return Words(
        number=str(action.number),
        symbol=_symbol(change),
        subject=subject_words(change.kind, change.address, change.label),
        value=value,
        reason=_because(change.reason),
    )


def _value(change: Change) -> str:
    if change.kind is Kind.CPU_EVACUATION:
        return f"{change.before} -> offline -> {change.after}"
    before, after = (told_value(change.kind, one) for one in (change.before, change.after))
    return f"{shown_value(after)} kept" if change.is_kept else _transition(before, after)


def pending_words(pending: Pending) -> Words:
    """What is in effect, what is written, and when that will be in effect."""
    return Words(
        number="",
        symbol="=",
        subject=subject_words(pending.kind, pending.address, pending.label),
        value=f"{shown_value(pending.running)} until {_UNTIL[pending.activation]}, then "
        f"{shown_value(pending.written)}",
        reason="",
    )


def drift_words(drift: Drift) -> Words:
    """What kvmrt had written and what is there now; the cause stands where a reason does."""
    values = (told_value(drift.kind, one) for one in (drift.written, drift.present))
    return Words(
        number="",
        symbol="!",
        subject=subject_words(drift.kind, drift.address, drift.label),
        value=_transition(*values),
        reason=escape_text(drift.cause),
    )


def unchanged_words(unchanged: NoChange) -> Words:
    """What was considered and found right."""
    return Words(
        number="",
        symbol="=",
        subject=subject_words(unchanged.kind, unchanged.address, unchanged.label),
        value=shown_value(told_value(unchanged.kind, unchanged.value)),
        reason=_because(unchanged.reason),
    )


def _symbol(change: Change) -> str:
    if change.is_kept:
        return "="
    if change.before is None:
        return "+"
    return "-" if change.after in _ENDS else "~"


def _transition(before: str | None, after: str | None) -> str:
    return f"{shown_value(before)} -> {shown_value(after)}"


def told_value(kind: Kind, value: str | None) -> str | None:
    """A file is told by mode, owner, length and digest: its content would fill the plan."""
    if kind not in (Kind.FILE, Kind.GUEST_FILE) or value is None:
        return value
    head, _, content = value.partition("\n")
    # Loading OpenSSL's hashes takes 4 ms, which plans without files do not have to pay.
    from hashlib import sha256

    digest = sha256(content.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{head} {content.count(chr(10))} lines sha256:{digest[:12]}"


def shown_value(value: str | None) -> str:
    """Texts with blanks are quoted, so that it is clear where they begin and end."""
    if value is None:
        return _ABSENT
    safe = escape_text(value)
    return f'"{safe}"' if " " in safe or not safe else safe


def subject_words(kind: Kind, address: str, label: str) -> str:
    """The address in people's words; `label` is the name a driver gave an interrupt."""
    _, _, rest = address.partition("/")
    safe = escape_text(rest)
    if kind in _LABELLED:
        head, tail = _LABELLED[kind]
        return " ".join(filter(None, (head, safe.replace("/", " "), escape_text(label), tail)))
    if kind is Kind.SYSCTL:
        return escape_text(address.removeprefix("sysctl/")).replace("/", " ")
    if kind in _PARTED:
        return _PARTED[kind](safe)
    if kind in _PHRASES:
        return _PHRASES[kind].format(safe, escape_text(label) or safe)
    name, _, setting = safe.partition("/")
    return f"{name}  {setting.replace('/', ' ')}"


#: What stands before the address and behind the label.
_LABELLED = {Kind.IRQ_AFFINITY: ("irq", "affinity"), Kind.NET_QUEUE: ("net", "CPUs")}
_PHRASES = {
    # The label names the VM; of one that is gone there is only its slice.
    Kind.VM_SLICE: "{1}  slice AllowedCPUs",
    Kind.PARTITION: "{1}  partition",
    Kind.PARTITION_LIFT: "{1}  partition",
    Kind.IRQ_DEFAULT_AFFINITY: "irq default affinity",
    Kind.SLICE_CPUS: "{} AllowedCPUs",
    Kind.SLICE_MEMORY: "{} AllowedMemoryNodes",
    Kind.CPUSET: "cpuset {} CPUs",
    Kind.CPUSET_TASKS: "tasks of the host in cpuset",
    Kind.SHIELD: "shield {}",
    Kind.WORKQUEUE_CPUMASK: "workqueue {}",
    Kind.CPU_ONLINE: "cpu {}",
    Kind.BOOT_ARGUMENTS: "boot {}",
    Kind.MODULE_OPTIONS: "module {}",
    Kind.SHIELD_ASSIGNMENTS: "shield irq {}",
    Kind.IRQBALANCE_BAN: "irqbalance {} leaves alone",
    Kind.IRQBALANCE_FILE: "irqbalance /{} leaves alone",
    Kind.FILE: "file /{}",
    Kind.SERVICE: "{}",
}


def _evacuated(subject: str) -> str:
    return f"cpu {subject.partition('/')[0]}"


def _cpuset(subject: str) -> str:
    return f"cpuset {subject.removesuffix('/widened')} CPUs"


def _power(subject: str) -> str:
    name, _, cpu = subject.partition("/")
    return f"cpu {cpu} {name}"


def _pages(subject: str) -> str:
    place, _, size_kib = subject.partition("/")
    return f"{place} huge pages of {size_kib} kB"


def _inside(subject: str) -> str:
    """`rt1  file /etc/chrony.conf`, `rt1  module virtio_balloon`, `rt1  unit chrony`."""
    vm, _, inside = subject.partition("/guest/")
    what, _, name = inside.partition("/")
    return f"{vm}  {what} /{name}" if what == "file" else f"{vm}  {what} {name}"


def _kthread(subject: str) -> str:
    name, _, what = subject.rpartition("/")
    return f"kernel thread {name} {what}"


_PARTED: dict[Kind, Callable[[str], str]] = {
    Kind.CPU_EVACUATION: _evacuated,
    Kind.CPU_POWER: _power,
    Kind.KERNEL_THREAD: _kthread,
    Kind.KERNEL_THREAD_CPUS: _kthread,
    Kind.HUGEPAGES: _pages,
    Kind.CPUSET_WIDEN: _cpuset,
    Kind.GUEST_FILE: _inside,
    Kind.GUEST_SETTING: _inside,
}


def _because(reason: Reason) -> str:
    place = f" ({reason.source})" if reason.source else ""
    return escape_text(reason.text + place)

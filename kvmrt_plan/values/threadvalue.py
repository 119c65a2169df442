# SPDX-License-Identifier: Apache-2.0
"""Where a thread may run and how it is scheduled, as the values of changes.

`4` are CPUs; `host 0-7` are CPUs of a guest's thread that lives in the host's cgroup and not in the guest's.
`other`, `fifo 2` are a policy of sched(7) with the priority that real-time policies have.
"""

from __future__ import annotations

from typing import NamedTuple

from kvmrt_plan.values.cpuset import CpuListError, CpuSet

_OUTSIDE = "host "
#: Those that sched_setscheduler(2) sets by a priority alone.
SETTABLE = ("other", "fifo", "rr", "batch", "idle")
_REAL_TIME = frozenset({"fifo", "rr"})
_PREFIX = "SCHED_"


class Place(NamedTuple):
    """CPUs, and whether the thread lives outside of its guest's cgroup."""

    cpus: CpuSet
    is_outside: bool


class Scheduling(NamedTuple):
    """A policy without its prefix, in small letters, and its priority: 0 unless it is real-time."""

    policy: str
    priority: int


def format_place(cpus: CpuSet, *, is_outside: bool) -> str:
    """The value of a place."""
    return f"{_OUTSIDE if is_outside else ''}{cpus}"


def parse_place(value: str | None) -> Place:
    """A place from its value.

    Raises:
        ValueError: it is none.
    """
    text = value or ""
    try:
        cpus = CpuSet.parse(text.removeprefix(_OUTSIDE))
    except CpuListError as error:
        raise ValueError(f"{text!r:.80} is no list of CPUs") from error
    return Place(cpus, text.startswith(_OUTSIDE))


def format_scheduling(policy: str, priority: int) -> str:
    """The value for a policy as sched(7) names it.

    >>> format_scheduling("SCHED_FIFO", 2), format_scheduling("SCHED_OTHER", 0)
    ('fifo 2', 'other')
    """
    word = policy.removeprefix(_PREFIX).lower()
    return f"{word} {priority}" if word in _REAL_TIME else word


def parse_scheduling(value: str | None) -> Scheduling:
    """Policy and priority from their value.

    Raises:
        ValueError: it is no policy that can be set, or its priority is not 1 to 99.
    """
    policy, blank, digits = (value or "").partition(" ")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= 2
    priority = int(digits) if is_number else 0
    is_right = 1 <= priority <= 99 if policy in _REAL_TIME else not blank
    if policy not in SETTABLE or not is_right:
        raise ValueError(f"{value!r:.80} is no policy and priority that can be set")
    return Scheduling(policy, priority)

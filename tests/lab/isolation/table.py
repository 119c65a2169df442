# SPDX-License-Identifier: Apache-2.0
"""The table of all states, and of what remains in one of them, as Markdown."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from lab.isolation.boots import BOOTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.isolation.boots import Outcome

#: Columns of lab.isolation.counting, and how they are called here.
HEADS = {
    "user": "user tasks",
    "unbound": "unbound kernel threads",
    "bound": "bound kernel threads",
    "movable": "movable",
    "managed": "managed",
    "tick": "local timer",
    "ipi": "IPIs",
    "work": "work items",
    "guest": "own threads",
}
_BOOT_NAMES = {
    "stock": "",
    "tuned": " and its boot arguments",
    "kvmrt": " and its boot arguments",
}


def sums(outcome: Outcome, boot: str, state: str) -> Counter[str]:
    """A row: all CPUs of the guest together."""
    total: Counter[str] = Counter(dict.fromkeys(HEADS, 0))
    for one in outcome.states[boot, state].values():
        total.update({name: number for name, number in one.columns.items() if name in HEADS})
    return total


def table(outcome: Outcome) -> str:
    """A row for each state that was counted."""
    lines = [f"| state | {' | '.join(HEADS.values())} |", "|---|" + "---:|" * len(HEADS)]
    for boot, states in BOOTS.items():
        for state in states:
            if (boot, state) not in outcome.states:
                continue
            row = sums(outcome, boot, state)
            cells = " | ".join(f"{row[name]:,}" for name in HEADS)
            lines.append(f"| {title(boot, state)} | {cells} |")
    return "\n".join(lines)


def _by_kind(found: Mapping[str, int]) -> Counter[str]:
    """Threads of the kernel that each CPU has one of are one row: `ktimers/N`."""
    kinds: Counter[str] = Counter()
    for name, number in found.items():
        kinds[re.sub(r"^(bound: .*/)\d.*", r"\1N", name)] += number
    return kinds


def title(boot: str, state: str) -> str:
    """`kvmrt and its boot arguments, guest runs`."""
    who, comma, rest = state.partition(",")
    return f"{who}{_BOOT_NAMES[boot]}{comma}{rest}"


def events(outcome: Outcome, boot: str, state: str, most: int = 40) -> str:
    """Every kind of event of a state with its number on each CPU, the most frequent first."""
    cpus = {cpu: _by_kind(one.events) for cpu, one in outcome.states[boot, state].items()}
    total = sum(cpus.values(), Counter())
    lines = [f"| {title(boot, state)} | {' | '.join(f'CPU {cpu}' for cpu in cpus)} |"]
    lines.append("|---|" + "---:|" * len(cpus))
    for name, _ in total.most_common(most):
        numbers = " | ".join(str(one[name]) for one in cpus.values())
        lines.append(f"| {name} | {numbers} |")
    return "\n".join(lines)

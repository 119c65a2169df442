# SPDX-License-Identifier: Apache-2.0
"""Boots the lab once for each set of boot arguments, and gathers what was counted in every state.

The first boot has none of its own: the host untouched, with kvmrt's policies, with TuneD's. It also tells
which boot arguments kvmrt and TuneD ask for; the others have these.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.inside_pytest import compile_checkout
from lab.isolation.tuned import fetch_tuned
from lab.kernel import LabError
from lab.machine import Machine, run_in_lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

#: The states of each boot, as tests/lab/isolation/states.py names them.
BOOTS = {
    "stock": ("untouched", "TuneD", "kvmrt", "kvmrt, guest runs"),
    "tuned": ("TuneD",),
    "kvmrt": ("kvmrt", "kvmrt, guest runs"),
}
_SECONDS = 1500


@dataclass(frozen=True, slots=True)
class Counts:
    """One CPU in one state."""

    columns: dict[str, int]
    events: dict[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All boots."""

    #: By boot and state, then by CPU.
    states: dict[tuple[str, str], dict[int, Counts]] = field(default_factory=dict)
    #: What each boot but the first had on its command line.
    arguments: dict[str, str] = field(default_factory=dict)


def count_all(
    folder: Path,
    follow: Callable[[str], None] | None = None,
    boots: Iterable[str] = BOOTS,
) -> Outcome:
    """Every state in its boot, `stock` first; each run's folder is below `folder`.

    Raises:
        LabError: a state was not reached; the message has what was said.
    """
    packages = fetch_tuned()
    compile_checkout()
    outcome = Outcome()
    for boot in boots:
        count_boot(boot, packages, folder / boot, outcome, follow)
    return outcome


def count_boot(
    boot: str,
    packages: Path,
    folder: Path,
    outcome: Outcome,
    follow: Callable[[str], None] | None = None,
) -> None:
    """The states of one boot, added to the outcome."""
    machine = Machine(
        has_systemd=True,
        has_libvirt=True,
        has_peer=True,
        boot_arguments=outcome.arguments.get(boot, ""),
    )
    words = [sys.executable, "-u", "-m", "lab.isolation.states", boot, str(packages)]
    command = f"PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 {shlex.join(words)}"
    ended = run_in_lab(machine, command, seconds=_SECONDS, folder=folder, follow=follow)
    if ended.status != 0:
        raise LabError(f"the boot {boot} ended with {ended.status}:\n{ended.output[-4000:]}")
    read_boot(boot, folder, outcome)


def read_boot(boot: str, folder: Path, outcome: Outcome) -> None:
    """What a boot has left in its folder, added to the outcome."""
    for state, cpus in json.loads((folder / "counted.json").read_text()).items():
        outcome.states[boot, state] = {int(cpu): Counts(**one) for cpu, one in cpus.items()}
    if boot == "stock":
        outcome.arguments.update(json.loads((folder / "arguments.json").read_text()))

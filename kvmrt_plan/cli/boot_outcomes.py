# SPDX-License-Identifier: Apache-2.0
"""What became of each VM that was to boot, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmrt_plan.cli.guest_run import GuestRun

EXIT_FAILED = 1


@dataclass(slots=True, kw_only=True)
class Outcomes:
    """What became of each VM, by name; `failed` and `deviating` say why."""

    running: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    deviating: dict[str, list[str]] = field(default_factory=dict)
    #: Of the engine, when it could not do what was planned.
    code: int = 0

    def exit_code(self) -> int:
        """0: every VM runs on its CPUs."""
        return self.code or (EXIT_FAILED if self.failed or self.deviating else 0)


def report_boot(run: GuestRun, outcomes: Outcomes) -> int:
    """A line per VM, the last event of a JSON stream, and the exit code."""
    for name in outcomes.running:
        if name not in outcomes.failed:
            run.say(f"{name}: runs already")
    for name in outcomes.started:
        if name not in outcomes.deviating and name not in outcomes.failed:
            run.say(f"{name}: runs, every thread where it belongs")
    for name, cause in outcomes.failed.items():
        run.say(f"{name}: FAILED: {cause}")
    for name, lines in outcomes.deviating.items():
        run.say(f"{name}: runs, but", *(f"  {line}" for line in lines))
    code = outcomes.exit_code()
    tell_boot(run, outcomes, code)
    return code


def tell_boot(run: GuestRun, outcomes: Outcomes, code: int) -> None:
    """The last event of a JSON stream."""
    run.tell(
        {
            "type": "result",
            "exit_code": code,
            "started": outcomes.started,
            "running": outcomes.running,
            "failed": outcomes.failed,
            "deviating": outcomes.deviating,
        }
    )

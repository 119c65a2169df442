# SPDX-License-Identifier: Apache-2.0
"""What is shown while steps are made: lines, on a terminal with a bar below them, or a stream of JSON."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from kvmrt_plan import __version__
from kvmrt_plan.cli.terminal import wants_colour, width_of
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.outcomes import (
    EVENT_FORMAT_VERSION,
    action_event,
    outcome_lines,
    recovery_event,
    recovery_lines,
    result_event,
    result_lines,
)
from kvmrt_plan.views.safety import (
    probes_event,
    probes_lines,
    waiting_event,
    waiting_lines,
)
from kvmrt_plan.views.terminal import Painter, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kvmrt_plan.apply.probes import ProbeReport
    from kvmrt_plan.apply.recover import Recovery
    from kvmrt_plan.apply.run import Result
    from kvmrt_plan.apply.step import Outcome
    from kvmrt_plan.errors import KvmrtError
    from kvmrt_plan.plan.action import Action


class Progress(Protocol):
    """Shows a run while it goes on."""

    def recovered(self, recovery: Recovery) -> None:
        """An earlier run was finished."""

    def step(self, action: Action, outcome: Outcome, cause: str) -> None:
        """A step was made, or not."""

    def probes(self, report: ProbeReport) -> None:
        """What the probes say before the first write."""

    def ended(self, result: Result, exit_code: int) -> None:
        """The run has ended."""

    def waits(self, run: str, seconds: float) -> None:
        """The run is taken back unless it is confirmed."""

    def restarted(self, name: str, problem: str) -> None:
        """A guest was restarted, or `problem` says why it runs on."""

    def refused(self, error: KvmrtError, exit_code: int) -> None:
        """The run ended before its first write."""


class JsonProgress:
    """One JSON object per line, the version first. Readers ignore types and fields they do not know."""

    def __init__(self) -> None:
        self._write(
            {
                "type": "version",
                "format_version": EVENT_FORMAT_VERSION,
                "kvmrt_version": __version__,
            }
        )

    def recovered(self, recovery: Recovery) -> None:
        """An event."""
        self._write(recovery_event(recovery))

    def step(self, action: Action, outcome: Outcome, cause: str) -> None:
        """An event."""
        self._write(action_event(action, outcome, cause))

    def probes(self, report: ProbeReport) -> None:
        """An event."""
        self._write(probes_event(report))

    def ended(self, result: Result, exit_code: int) -> None:
        """An event."""
        self._write(result_event(result, exit_code))

    def waits(self, run: str, seconds: float) -> None:
        """An event."""
        self._write(waiting_event(run, seconds))

    def refused(self, error: KvmrtError, exit_code: int) -> None:
        """The last event."""
        self._write(
            {
                "type": "refused",
                "problem": error.problem,
                "remedy": error.remedy,
                "exit_code": exit_code,
            }
        )

    def restarted(self, name: str, problem: str) -> None:
        """An event."""
        self._write({"type": "restarted", "vm": name, "problem": problem})

    def _write(self, event: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


class TextProgress:
    """Lines; `write` prints one, so that a terminal can keep its bar below them."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._width = width_of(sys.stdout)
        self._painter = Painter(is_coloured=wants_colour(sys.stdout))

    def recovered(self, recovery: Recovery) -> None:
        """A paragraph."""
        self._lines(recovery_lines(recovery, width=self._width, painter=self._painter))

    def step(self, action: Action, outcome: Outcome, cause: str) -> None:
        """A line."""
        self._lines(outcome_lines(action, outcome, cause, width=self._width, painter=self._painter))

    def probes(self, report: ProbeReport) -> None:
        """Lines."""
        self._lines(probes_lines(report, width=self._width, painter=self._painter))

    def waits(self, run: str, seconds: float) -> None:
        """The last lines."""
        self._lines(waiting_lines(run, seconds, width=self._width, painter=self._painter))

    def refused(self, error: KvmrtError, exit_code: int) -> None:
        """Nothing: errors are told on standard error."""

    def restarted(self, name: str, problem: str) -> None:
        """A line."""
        text = f"{name}: {f'was not restarted: {problem}' if problem else 'restarted'}"
        self._lines(fold(escape_text(text), self._width, indent=2, first=0))

    def ended(self, result: Result, exit_code: int) -> None:  # noqa: ARG002  for the JSON stream
        """The last lines."""
        self._lines(result_lines(result, width=self._width, painter=self._painter))

    def _lines(self, lines: list[str]) -> None:
        for line in lines:
            self._write(line)


class _BarProgress(TextProgress):
    """Lines above a bar that counts the steps."""

    def __init__(self, write: Callable[[str], None], advance: Callable[[], None]) -> None:
        super().__init__(write)
        self._advance = advance

    def step(self, action: Action, outcome: Outcome, cause: str) -> None:
        """A line, and the bar moves on."""
        super().step(action, outcome, cause)
        self._advance()


def plain_progress(*, is_json: bool) -> Progress:
    """Without a bar: for files, pipes, and commands that are quick."""
    return JsonProgress() if is_json else TextProgress(_print)


@contextmanager
def show_progress(total: int, plain: Progress) -> Iterator[Progress]:
    """For the time in which steps are made: on a terminal with a bar below the lines, else `plain`."""
    if isinstance(plain, JsonProgress) or not sys.stdout.isatty():
        yield plain
        return
    # rich costs 60 ms of start-up, which only a terminal needs.
    from rich.progress import Progress as Bar
    from rich.text import Text

    with Bar(transient=True) as bar:
        task = bar.add_task("applying", total=total)
        yield _BarProgress(
            lambda line: bar.console.print(Text.from_ansi(line), soft_wrap=True),
            lambda: bar.advance(task),
        )


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")

# SPDX-License-Identifier: Apache-2.0
"""The engine: performs steps with the journal ahead of them, and takes them back.

Promises, in the order in which the code keeps them:

1. A batch is in the journal, on disk, before the first of its writes.
2. Right before each write the present value is compared with the old one of the plan.
3. Right after each write the value is read back.
4. The first step that fails ends the run; what was written is taken back in reverse order.
5. Taking back writes only where the present value is the one that was written here. A value that is
   neither old nor new is somebody else's: it is reported and left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kvmrt_plan.apply.domain import definition_text, restore_definition
from kvmrt_plan.apply.respread import owned_affinities
from kvmrt_plan.apply.step import NEVER_UNDONE, Outcome, Step, batches
from kvmrt_plan.apply.writers import read_unit, write_unit, write_units
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import DomainXmlError, WriteRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvmrt_plan.apply.journal import Journal, Record, Texts
    from kvmrt_plan.ports import Host

#: What the kernel answers when an interrupt cannot be moved at all: EIO, since 6.12 EPERM. That is a
#: property of the interrupt that cannot be read beforehand, so it does not fail a run.
_IMMOVABLE = frozenset({"EIO", "EPERM"})


@dataclass(slots=True, kw_only=True)
class Run:
    """What a run has done so far."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    #: Why a step failed, by its number.
    causes: dict[int, str] = field(default_factory=dict)
    #: The first failure; the run ended with it.
    failure: str | None = None
    #: Whether the failure is a value that somebody changed under the run.
    is_stale: bool = False

    @property
    def has_written(self) -> bool:
        """Whether anything on the host was changed."""
        return any(one in (Outcome.DONE, Outcome.FAILED) for one in self.outcomes.values())


def perform(
    host: Host,
    steps: Sequence[Step],
    journal: Journal,
    report: Callable[[Step, Outcome, str], None],
) -> Run:
    """Make every step, or stop at the first that fails."""
    run = Run()
    for batch in batches(steps):
        if run.failure is not None:
            break
        journal.begin(batch, definition_text(host, batch))
        before = dict(run.outcomes)
        for unit in write_units(batch):
            if run.failure is None:
                _perform_unit(host, unit, run, report)
        outcomes = {n: one for n, one in run.outcomes.items() if n not in before}
        journal.end(outcomes, definition_text(host, batch) if outcomes else None)
    for step in steps:
        if step.number not in run.outcomes:
            run.outcomes[step.number] = Outcome.NOT_REACHED
            report(step, Outcome.NOT_REACHED, "")
    return run


def _perform_unit(
    host: Host, unit: Sequence[Step], run: Run, report: Callable[[Step, Outcome, str], None]
) -> None:
    """One write: compare, write, read back."""
    cause = ""
    try:
        present = read_unit(host, unit)
        if all(now == step.new for now, step in zip(present, unit, strict=True)):
            _settle(unit, Outcome.UNCHANGED, run, report)
            return
        cause = _staleness(unit, present)
        if cause:
            run.is_stale = True
            run.failure = cause
            return
        write_unit(host, unit)
        cause = _mismatch(unit, read_unit(host, unit))
    except WriteRefusedError as error:
        cause = str(error.problem)
        if unit[0].kind is Kind.IRQ_AFFINITY and error.errno_name in _IMMOVABLE:
            _settle(unit, Outcome.FAILED, run, report, cause)
            return
    except DomainXmlError as error:
        cause = error.problem
    if cause:
        run.failure = cause
        _settle(unit, Outcome.FAILED, run, report, cause)
    else:
        _settle(unit, Outcome.DONE, run, report)


def _settle(
    unit: Sequence[Step],
    outcome: Outcome,
    run: Run,
    report: Callable[[Step, Outcome, str], None],
    cause: str = "",
) -> None:
    for step in unit:
        run.outcomes[step.number] = outcome
        if cause:
            run.causes[step.number] = cause
        report(step, outcome, cause)


def _staleness(unit: Sequence[Step], present: Sequence[str | None]) -> str:
    for step, now in zip(unit, present, strict=True):
        if now not in (step.old, step.new):
            return difference(step, now)
    return ""


def difference(step: Step, now: str | None) -> str:
    """A value that is not what the plan was made on."""
    return f"{step.address} was {_shown(step.old)} when planned, is {_shown(now)} now"


def _mismatch(unit: Sequence[Step], present: Sequence[str | None]) -> str:
    for step, now in zip(unit, present, strict=True):
        if now != step.new:
            return f"{step.address} was set to {_shown(step.new)} and reads {_shown(now)}"
    return ""


def take_back(host: Host, record: Record, steps: Sequence[Step]) -> tuple[str, ...]:
    """Undo steps of a run in reverse order, and say what could not be undone.

    May be called again after a crash in the middle: what is back already is left alone.
    """
    differs: list[str] = []
    undone = [step for step in steps if step.kind not in NEVER_UNDONE]
    owned = owned_affinities(host, undone)
    for batch in reversed(list(batches(undone))):
        texts = record.texts.get(batch[0].number)
        for unit in reversed(list(write_units(batch))):
            differs.extend(_take_back_unit(host, unit, texts, owned))
    return tuple(differs)


def _take_back_unit(
    host: Host, unit: Sequence[Step], texts: Texts | None, owned: frozenset[int]
) -> list[str]:
    try:
        if texts is not None and restore_definition(host, unit, texts):
            return []
        present = read_unit(host, unit)
        back = [
            step.reversed()
            for step, now in zip(unit, present, strict=True)
            if (now == step.new or step.number in owned) and now != step.old
        ]
        foreign = [
            f"{step.address} is {_shown(now)}: neither {_shown(step.old)} nor {_shown(step.new)}, so "
            "somebody else wrote it; left as it is"
            for step, now in zip(unit, present, strict=True)
            if now not in (step.old, step.new) and step.number not in owned
        ]
        if back:
            write_unit(host, back)
            foreign.extend(_not_back(back, read_unit(host, back)))
    except (WriteRefusedError, DomainXmlError) as error:
        return [f"{step.address} should be {_shown(step.old)}: {error.problem}" for step in unit]
    return foreign


def _not_back(back: Sequence[Step], present: Sequence[str | None]) -> list[str]:
    return [
        f"{step.address} was set back to {_shown(step.new)} and reads {_shown(now)}"
        for step, now in zip(back, present, strict=True)
        if now != step.new
    ]


def _shown(value: str | None) -> str:
    """A value in a sentence; of a text of several lines, such as a file, the first."""
    if value is None:
        return "absent"
    first, newline, _ = value.partition("\n")
    return f"{first} ..." if newline else value or '""'

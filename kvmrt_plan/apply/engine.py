# SPDX-License-Identifier: Apache-2.0
"""The engine: performs steps with the journal ahead of them, and takes them back.

Promises, in the order in which the code keeps them:

1. A batch is in the journal, on disk, before the first of its writes.
2. Right before each write the present value is compared with the old one of the plan.
3. Right after each write the value is read back.
4. The first step that fails ends the run; what was written is taken back in reverse order. So does a
   record of the journal that cannot be written.
5. Taking back writes only where the present value is the one that was written here. A value that is
   neither old nor new is somebody else's: it is reported and left.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kvmrt_plan.apply.domain import definition_text, restore_definition
from kvmrt_plan.apply.kernel_args import settle_boot
from kvmrt_plan.apply.respread import (
    Affinities,
    affinities_before,
    move_again,
    moved_by,
    owned_affinities,
)
from kvmrt_plan.apply.step import NEVER_UNDONE, Outcome, Step, batches, is_immovable, origins
from kvmrt_plan.apply.writers import (
    exchange_unit,
    is_unfinished,
    read_unit,
    write_unit,
    write_units,
)
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import HostError, KvmrtError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kvmrt_plan.apply.journal import Journal, Record, Texts
    from kvmrt_plan.ports import Host


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
    #: Kinds that writes of this run may have moved besides, and what was so before they did.
    moved: frozenset[Kind] = frozenset()
    before: Affinities = field(default_factory=Affinities)


def perform(
    host: Host,
    steps: Sequence[Step],
    journal: Journal,
    report: Callable[[Step, Outcome, str], None],
) -> Run:
    """Make every step, or stop at the first that fails; a journal that cannot be written is a failure."""
    run = Run()
    order = list(batches(steps))
    for batch in order:
        try:
            moved = moved_by(batch)
            if not moved <= run.moved:
                _announce_affinities(host, order, journal, run, moved - run.moved)
            _perform_batch(host, batch, journal, run, report)
            if moved and run.failure is None:
                run.failure = move_again(host, steps, run.outcomes, moved) or None
        except KvmrtError as error:
            run.failure = run.failure or error.problem
        if run.failure is not None:
            break
    for step in steps:
        if step.number not in run.outcomes:
            run.outcomes[step.number] = Outcome.NOT_REACHED
            report(step, Outcome.NOT_REACHED, "")
    return run


def _perform_batch(
    host: Host,
    batch: Sequence[Step],
    journal: Journal,
    run: Run,
    report: Callable[[Step, Outcome, str], None],
) -> None:
    before = run.before
    if batch[0].number not in before.announced:
        journal.begin(batch, definition_text(host, batch))
    for unit in write_units(batch):
        _perform_unit(host, unit, run, report)
        if run.failure is not None:
            break
    # What another write may have moved has to be taken back although it was not reached.
    outcomes = {
        one.number: run.outcomes.get(one.number, Outcome.NOT_REACHED)
        for one in batch
        if one.number in run.outcomes or one.number not in before.owned
    }
    journal.end(outcomes, definition_text(host, batch))


def _perform_unit(
    host: Host, unit: Sequence[Step], run: Run, report: Callable[[Step, Outcome, str], None]
) -> None:
    """One write: compare, write, read back."""
    before = run.before
    # Whole lists are compared, and steps looked at only where they differ: interrupts go by thousands.
    first = unit[0]
    old, new = ([first.old], [first.new]) if len(unit) == 1 else _values(unit)
    stale = ""

    def is_wanted(present: list[str | None]) -> bool:
        nonlocal stale
        if present == new:
            # A CPU that goes and comes back has the same value before and after.
            return first.kind is Kind.CPU_EVACUATION
        if present != old and first.number not in before.owned:
            stale = _staleness(unit, present)
        return not stale

    try:
        present, has_written = exchange_unit(host, unit, is_wanted)
    except KvmrtError as error:
        _settle(unit, Outcome.FAILED, run, report, error.problem)
        if not is_immovable(first, error):
            run.failure = error.problem
        return
    if stale:
        run.is_stale, run.failure = True, stale
    elif not has_written and first.number not in before.old and first.old != first.new:
        _settle(unit, Outcome.UNCHANGED, run, report)
    elif present != new:
        run.failure = cause = _mismatch(unit, present)
        _settle(unit, Outcome.FAILED, run, report, cause)
    else:
        _settle(unit, Outcome.DONE, run, report)


def _values(unit: Sequence[Step]) -> tuple[list[str | None], list[str | None]]:
    return [step.old for step in unit], [step.new for step in unit]


def _announce_affinities(
    host: Host,
    order: Sequence[Sequence[Step]],
    journal: Journal,
    run: Run,
    kinds: frozenset[Kind],
) -> None:
    """Before the first write that moves such things: note which of them are this run's to move, and announce
    those that come later. They have to be taken back after it, whoever does that.
    """
    run.moved |= kinds
    moves = [batch for batch in order if batch[0].kind in kinds]
    begun = {step.number for step in journal.record.begun}
    later = [batch for batch in moves if batch[0].number not in begun]
    run.before = run.before.with_those(affinities_before(host, moves, later))
    if moves:
        journal.own(run.before.owned)
    for batch in later:
        journal.begin(batch)


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


def judge_owned(host: Host, journal: Journal) -> None:
    """Note in the journal, once, what is this run's own; without the journal it holds for this time."""
    if journal.record.owned is None:
        owned = owned_affinities(host, journal.record.written())
        if owned is not None:
            with suppress(HostError):
                journal.own(owned)


def take_back(host: Host, record: Record, steps: Sequence[Step]) -> tuple[str, ...]:
    """Undo steps of a run in reverse order, and say what could not be undone.

    May be called again after a crash in the middle: what is back already is left alone.
    """
    differs: list[str] = []
    for batch in reversed(list(batches(steps))):
        differs.extend(take_back_batch(host, record, batch))
    return tuple(differs)


def take_back_batch(host: Host, record: Record, batch: Sequence[Step]) -> list[str]:
    """Undo the steps of one batch in reverse order, and say what could not be undone."""
    if batch[0].kind in NEVER_UNDONE:
        return []
    texts = record.texts.get(batch[0].number)
    own = _Own(record.owned or frozenset(), origins(record.begun))
    differs: list[str] = []
    for unit in reversed(list(write_units(batch))):
        try:
            differs.extend(_take_back_unit(host, unit, texts, own))
        except KvmrtError as error:
            differs.extend(
                f"{step.address} should be {_shown(step.old)}: {error.problem}" for step in unit
            )
    return differs


class _Own(NamedTuple):
    """What is no foreign value although a step has neither read nor written it."""

    #: Steps whose interrupt a driver may have moved since.
    numbers: frozenset[int]
    #: Values before the run, of steps that come after another one of the same address.
    origins: Mapping[int, str | None]


def _take_back_unit(host: Host, unit: Sequence[Step], texts: Texts | None, own: _Own) -> list[str]:
    if texts is not None and restore_definition(host, unit, texts):
        return []
    present = read_unit(host, unit)
    pairs = list(zip(unit, present, strict=True))
    back = [
        step.reversed()
        for step, now in pairs
        if (now == step.new or step.number in own.numbers or is_unfinished(step, now))
        and now != step.old
    ]
    differs = [
        f"{step.address} is {_shown(now)}: neither {_shown(step.old)} nor {_shown(step.new)}, so "
        "somebody else wrote it; left as it is"
        for step, now in pairs
        if now not in (step.old, step.new, own.origins.get(step.number, step.old))
        and step.number not in own.numbers
        and not is_unfinished(step, now)
    ]
    if back:
        write_unit(host, back)
        differs.extend(_not_back(back, read_unit(host, back)))
    if not differs:
        settle_boot(host, unit)
    return differs


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

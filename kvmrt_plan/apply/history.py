# SPDX-License-Identifier: Apache-2.0
"""Finished runs, and taking one of them back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from kvmrt_plan.apply.domain import definition_text
from kvmrt_plan.apply.engine import take_back, take_back_batch
from kvmrt_plan.apply.held import read_held, settle_held
from kvmrt_plan.apply.journal import (
    HISTORY,
    REVERT,
    START,
    STOP,
    Finish,
    Header,
    Journal,
    Record,
    file_away,
    read_journal,
)
from kvmrt_plan.apply.respread import moved_by, owned_affinities
from kvmrt_plan.apply.same_host import require_same_host
from kvmrt_plan.apply.step import NEVER_UNDONE, VOLATILE, Outcome, batches
from kvmrt_plan.errors import HostError, KvmrtError, SnapshotError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kvmrt_plan.apply.run import Site
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import StateStore


def read_history(store: StateStore) -> list[Record]:
    """All finished runs that can be read, oldest first. One file that cannot be (of a later version of
    kvmrt, or damaged) must not keep others from being taken back: `unreadable_runs` names it.
    """
    return [record for _, record in _all_runs(store) if isinstance(record, Record)]


def unreadable_runs(store: StateStore) -> list[str]:
    """Why files of the history cannot be read, one text each."""
    return [record.problem for _, record in _all_runs(store) if isinstance(record, SnapshotError)]


def _all_runs(store: StateStore) -> Iterator[tuple[str, Record | SnapshotError | None]]:
    for name in store.names(HISTORY):
        try:
            yield name, read_journal(store, f"{HISTORY}/{name}")
        except SnapshotError as error:
            yield name, error


def find_run(records: list[Record], run_id: str | None) -> Record:
    """The run of that id, or the last one that was applied and not taken back since. A run that failed
    and could not be taken back whole may be tried again.

    Raises:
        UsageError: there is no such run, or it changed nothing that could be taken back.
    """
    reverted = reverted_runs(records)
    candidates = [
        one
        for one in records
        if one.header.purpose not in (REVERT, START, STOP)
        and one.finish in (Finish.APPLIED, Finish.INCOMPLETE)
        and one.header.id not in reverted
    ]
    for record in reversed(candidates):
        if run_id in (None, record.header.id):
            return record
    known = ", ".join(one.header.id for one in candidates) or "none"
    wanted = "no run" if run_id is None else f"no run {run_id}"
    raise UsageError(f"{wanted} can be reverted", f"runs that can be: {known}")


def reverted_runs(records: Iterable[Record]) -> frozenset[str]:
    """Ids of the runs that were taken back. One that could not be taken back whole may be tried again."""
    return frozenset(
        one.header.plan_digest
        for one in records
        if one.header.purpose == REVERT and one.finish is Finish.APPLIED
    )


def revert_run(site: Site, record: Record, header: Header) -> tuple[str, ...]:
    """Undo what the run wrote, and read every value back.

    Returns:
        What could not be taken back; empty when everything was.

    Raises:
        UsageError: it is a run of another host; nothing was changed.
        HostError: the journal cannot be written; the host is as it was before the revert, or the text
            says what is not.
    """
    require_same_host(site.host, record.header)
    steps = [step for step in record.written() if step.kind not in NEVER_UNDONE]
    if record.header.boot_id != site.boot_id:
        # The values of an earlier boot are gone by themselves.
        steps = [step for step in steps if step.kind not in VOLATILE]
    holders = read_held(site.volatile, boot_id=site.boot_id).holders
    before = tuple(sorted(map(str, holders)))
    journal = Journal(
        site.state,
        replace(header, holders=_holders_without(record.header, before), holders_before=before),
    )
    journal.open()
    # What was noted when it was applied holds no longer.
    record.owned = owned_affinities(site.host, steps)
    differs: list[str] = []
    try:
        for back in _announced(site, journal, steps, record.owned):
            differs.extend(_revert_batch(site, journal, record, back))
        journal.finish(Finish.INCOMPLETE if differs else Finish.APPLIED, differs)
    except KvmrtError as error:
        _take_forth(site, journal, error)
    settle_held(site.volatile, journal.record, boot_id=site.boot_id)
    file_away(site.state, header)
    return tuple(differs)


def _take_forth(site: Site, journal: Journal, error: KvmrtError) -> NoReturn:
    """A revert that cannot go on is itself undone."""
    differs = take_back(site.host, journal.record, journal.record.written())
    with suppress(HostError):
        journal.finish(Finish.INCOMPLETE if differs else Finish.REVERTED, differs)
        file_away(site.state, journal.header)
    left = f", but: {'; '.join(differs)}" if differs else ""
    raise HostError(
        f"{error.problem}; the host is as it was before the revert{left}", error.remedy
    ) from error


class _Back(NamedTuple):
    """A batch of the run and the way back."""

    forth: tuple[Step, ...]
    back: tuple[Step, ...]


def _announced(
    site: Site, journal: Journal, steps: Sequence[Step], owned: frozenset[int] | None
) -> Iterator[_Back]:
    """The batches from the last to the first, each in the journal when it is given out.

    The way back is numbered anew, so that the journal's order is that of the writes. But what other writes
    move besides (respread.py) is announced first and written last: whoever takes the revert forth again has
    to set it last, too.
    """
    order = list(reversed(list(batches(steps))))
    moved = moved_by(steps)
    early = [one for one in order if one[0].kind in moved]
    number, backs = 1, {}
    for batch in (*early, *(one for one in order if one not in early)):
        backs[batch] = tuple(
            step.reversed()._replace(number=number + place)
            for place, step in enumerate(reversed(batch))
        )
        number += len(batch)
    if owned is not None:
        journal.own(
            step.number
            for batch in early
            for step, forth in zip(backs[batch], reversed(batch), strict=True)
            if forth.number in owned
        )
    for batch in early:
        journal.begin(backs[batch])
    for batch in order:
        if batch not in early:
            journal.begin(backs[batch], definition_text(site.host, batch))
            yield _Back(batch, backs[batch])
    for batch in early:
        yield _Back(batch, backs[batch])


def _revert_batch(site: Site, journal: Journal, record: Record, batch: _Back) -> list[str]:
    differs = take_back_batch(site.host, record, batch.forth)
    left = {step.address for step in batch.back if any(_is_about(text, step) for text in differs)}
    outcomes = {
        step.number: Outcome.FAILED if step.address in left else Outcome.DONE for step in batch.back
    }
    journal.end(outcomes, definition_text(site.host, batch.back))
    return differs


def _is_about(text: str, step: Step) -> bool:
    return text.startswith(f"{step.address} ")


def _holders_without(header: Header, now: tuple[str, ...]) -> tuple[str, ...]:
    """The VMs whose policies are in force once the run is undone: others may have come since."""
    came = set(header.holders) - set(header.holders_before)
    went = set(header.holders_before) - set(header.holders)
    return tuple(sorted(set(now) - came | went))

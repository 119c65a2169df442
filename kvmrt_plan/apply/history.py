# SPDX-License-Identifier: Apache-2.0
"""Finished runs, and taking one of them back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.apply.engine import take_back
from kvmrt_plan.apply.held import settle_held
from kvmrt_plan.apply.journal import (
    HISTORY,
    Finish,
    Header,
    Journal,
    Record,
    file_away,
    read_journal,
)
from kvmrt_plan.apply.step import VOLATILE, Outcome
from kvmrt_plan.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kvmrt_plan.apply.run import Site
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import StateStore

APPLY, REVERT, RELEASE = "apply", "revert", "release"
#: Runs that start and stop guests; there is nothing in them to take back.
START, STOP = "start", "stop"


def read_history(store: StateStore) -> list[Record]:
    """All finished runs, oldest first.

    Raises:
        SnapshotError: a journal cannot be read.
    """
    records = (read_journal(store, f"{HISTORY}/{name}") for name in store.names(HISTORY))
    return [record for record in records if record is not None]


def find_run(records: list[Record], run_id: str | None) -> Record:
    """The run of that id, or the last one that was applied and not taken back since.

    Raises:
        UsageError: there is no such run, or it changed nothing that could be taken back.
    """
    reverted = reverted_runs(records)
    candidates = [
        one
        for one in records
        if one.header.purpose not in (REVERT, START, STOP)
        and one.finish is Finish.APPLIED
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
    """
    steps = record.written()
    if record.header.boot_id != site.boot_id:
        # The values of an earlier boot are gone by themselves.
        steps = [step for step in steps if step.kind not in VOLATILE]
    journal = Journal(site.state, header)
    journal.open()
    back = _reversed(steps)
    journal.begin(back)
    differs = take_back(site.host, record, steps)
    left = {text.partition(" ")[0] for text in differs}
    journal.end(
        {step.number: Outcome.FAILED if step.address in left else Outcome.DONE for step in back}
    )
    journal.finish(Finish.INCOMPLETE if differs else Finish.APPLIED, differs)
    finished = read_journal(site.state)
    if finished is not None:
        settle_held(site.volatile, finished, boot_id=site.boot_id)
    file_away(site.state, header)
    return differs


def _reversed(steps: list[Step]) -> list[Step]:
    """The way back, numbered anew so that the journal's order is that of the writes."""
    return [
        replace(step.reversed(), number=number)
        for number, step in enumerate(reversed(steps), start=1)
    ]

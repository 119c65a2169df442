# SPDX-License-Identifier: Apache-2.0
"""One apply, from the freshness check to the proof.

    compare every old value ─► journal ─► write each ─► prove ─► commit
                 │                           └── a step fails ──┐   └── not as planned ──┐
              refuse, nothing written                     take everything back ◄─────────┘

The caller holds the lock and has recovered whatever an earlier run left behind.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from kvmrt_plan.apply.engine import Run, difference, judge_owned, perform, take_back
from kvmrt_plan.apply.held import read_held, settle_held
from kvmrt_plan.apply.journal import Finish, Header, Journal, file_away
from kvmrt_plan.apply.respread import has_hotplug
from kvmrt_plan.apply.siblings import record_siblings
from kvmrt_plan.apply.step import Outcome, Step, batches, origins, step_of
from kvmrt_plan.apply.suspects import likely_writers
from kvmrt_plan.apply.writers import read_unit, write_units
from kvmrt_plan.changes.change import Disturbance, Kind
from kvmrt_plan.errors import HostError, KvmrtError, StalePlanError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvmrt_plan.changes.change import Pending
    from kvmrt_plan.plan.action import Action
    from kvmrt_plan.ports import Host, StateStore


class Status(StrEnum):
    """How an apply ended."""

    NOTHING = "nothing-to-do"
    APPLIED = "applied"
    REVERTED = "reverted"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The host with the two folders that belong to it."""

    host: Host
    #: Journal and history; survives a reboot.
    state: StateStore
    #: Held values and recorded siblings; dies with the boot.
    volatile: StateStore
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What planning again found after the writes."""

    #: Changes that should not be there any more, as texts.
    remaining: tuple[str, ...] = ()
    #: Probes that passed before and fail now.
    failed_probes: tuple[str, ...] = ()
    #: Values that are written and wait for a guest's restart or a boot.
    pending: tuple[Pending, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the host is as planned, and does what it did."""
        return not self.remaining and not self.failed_probes


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the caller permits and supplies."""

    #: Disturbances of running guests that are permitted.
    allowed: frozenset[Disturbance] = frozenset()
    #: Leave what was written when the proof fails.
    keeps_unproven: bool = False
    #: Called with each step, its outcome, and why it failed. Must not raise.
    report: Callable[[Step, Outcome, str], None]
    #: Plans again; called once, after the last write, with the addresses that are excused.
    prove: Callable[[frozenset[str]], Proof]


@dataclass(slots=True, kw_only=True)
class Result:
    """What an apply did; `status` says it in a word."""

    status: Status
    id: str = ""
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    causes: dict[int, str] = field(default_factory=dict)
    #: Why it was taken back.
    failure: str = ""
    is_stale: bool = False
    proof: Proof | None = None
    #: What could not be taken back.
    differs: tuple[str, ...] = ()


def split_actions(
    actions: Sequence[Action], allowed: frozenset[Disturbance]
) -> tuple[list[Step], list[Step]]:
    """Steps that may be made, and those that wait for a permission (or for a step that waits)."""
    waiting_numbers: set[int] = set()
    for action in actions:
        disturbs = action.change.disturbance is Disturbance.GUEST
        forbidden = disturbs and Disturbance.GUEST not in allowed
        if forbidden or waiting_numbers.intersection(action.requires):
            waiting_numbers.add(action.number)
    steps = [step_of(one) for one in actions if one.number not in waiting_numbers]
    waiting = [step_of(one) for one in actions if one.number in waiting_numbers]
    return steps, waiting


def check_freshness(host: Host, steps: Sequence[Step]) -> frozenset[int]:
    """Compare every old value with the host.

    Returns:
        The numbers of the steps that are left to be done: whose value is not the new one already.

    Raises:
        StalePlanError: values that are neither the old nor the new one; all of them are named.
        WriteRefusedError, DomainXmlError: a value cannot be read.
    """
    differences: list[str] = []
    kinds: set[Kind] = set()
    left: list[int] = []
    earlier = origins(steps)
    for batch in batches(steps):
        for unit in write_units(batch):
            for step, now in zip(unit, read_unit(host, unit), strict=True):
                if now == step.new:
                    continue
                left.append(step.number)
                if now not in (step.old, earlier.get(step.number, step.old)):
                    differences.append(difference(step, now))
                    kinds.add(step.kind)
    if differences:
        raise StalePlanError(tuple(differences), writers=likely_writers(host, kinds))
    return frozenset(left)


def apply_steps(
    site: Site, header: Header, steps: Sequence[Step], waiting: Sequence[Step], terms: Terms
) -> Result:
    """Perform the steps and prove them, or leave the host as it was.

    Raises:
        StalePlanError: the host is not as planned on; nothing was written.
        HostError: the state folder cannot be written; nothing was written to the host.
    """
    left = check_freshness(site.host, [*steps, *waiting])
    if left.isdisjoint(step.number for step in steps):
        return _nothing(steps, waiting, terms)
    if has_hotplug(steps):
        record_siblings(site.host, site.volatile)
    before = read_held(site.volatile, boot_id=site.boot_id).holders
    journal = Journal(site.state, replace(header, holders_before=tuple(sorted(map(str, before)))))
    journal.open()
    run = perform(site.host, steps, journal, terms.report)
    _report_waiting(waiting, run.outcomes, terms)
    result = Result(
        status=Status.APPLIED,
        id=header.id,
        outcomes=run.outcomes,
        causes=run.causes,
        failure=run.failure or "",
        is_stale=run.is_stale,
    )
    if run.failure is None:
        result.proof = _proof(terms, _excused(steps, waiting, run))
        if not result.proof.is_good and not terms.keeps_unproven:
            result.failure = "; ".join((*result.proof.remaining, *result.proof.failed_probes))
    if not result.failure:
        _commit(site, journal, result)
    if result.failure:
        _undo(site, journal, result)
    return result


def _proof(terms: Terms, excused: frozenset[str]) -> Proof:
    try:
        return terms.prove(excused)
    except KvmrtError as error:
        return Proof(remaining=(f"what was written cannot be proven: {error.problem}",))


def _commit(site: Site, journal: Journal, result: Result) -> None:
    """The host stays as it is now: settle what is held, and make the journal history."""
    try:
        journal.finish(Finish.APPLIED)
    except HostError as error:
        result.failure = error.problem
        return
    try:
        settle_held(site.volatile, journal.record, boot_id=site.boot_id)
        file_away(site.state, journal.header)
    except HostError as error:
        result.differs = (f"{error.problem}; the next run of kvmrt makes up for it",)


def _undo(site: Site, journal: Journal, result: Result) -> None:
    """Take everything back; a journal that cannot be finished is left to the next run, which finds
    nothing to undo.
    """
    record = journal.record
    for step in record.begun:
        if step.number not in (record.owned or ()):
            record.outcomes.setdefault(step.number, result.outcomes[step.number])
    judge_owned(site.host, journal)
    result.differs = take_back(site.host, record, record.written())
    is_whole = not result.differs
    result.status = Status.REVERTED if is_whole else Status.INCOMPLETE
    try:
        journal.finish(Finish.REVERTED if is_whole else Finish.INCOMPLETE, result.differs)
        file_away(site.state, journal.header)
    except HostError as error:
        result.failure += f"; the journal is unfinished: {error.problem}"


def _nothing(steps: Sequence[Step], waiting: Sequence[Step], terms: Terms) -> Result:
    """Everything is as it should be, or waits: no journal, no write."""
    result = Result(status=Status.NOTHING)
    for step in steps:
        result.outcomes[step.number] = Outcome.UNCHANGED
        terms.report(step, Outcome.UNCHANGED, "")
    _report_waiting(waiting, result.outcomes, terms)
    return result


def _report_waiting(waiting: Sequence[Step], outcomes: dict[int, Outcome], terms: Terms) -> None:
    for step in waiting:
        outcomes[step.number] = Outcome.PENDING
        terms.report(
            step, Outcome.PENDING, "it touches a running guest; --allow guest-threads permits it"
        )


def _excused(steps: Sequence[Step], waiting: Sequence[Step], run: Run) -> frozenset[str]:
    """Addresses that need not be right: those that wait, and interrupts that cannot be moved."""
    refused = {step.address for step in steps if run.outcomes[step.number] is Outcome.FAILED}
    return frozenset({step.address for step in waiting} | refused)

# SPDX-License-Identifier: Apache-2.0
"""The journal: what is about to be written, on disk before the first write of it.

One JSON text per line, in this order:

    {"format": "kvmrt-journal", "format_version": "1.0", "id": ..., "plan": ..., "boot_id": ..., ...}
    {"begin": [[number, kind, address, old, new, owner], ...], "text": ...}   before its first write
    {"end": [[number, outcome], ...], "text": ...}                            after its last
    {"owned": [number, ...]}                                       before others move them, see below
    {"finish": "applied", "differs": []}                           the commit: one record

`text` is the definition of the domain whose elements a batch changes, before and after: taking it back
restores the whole text, with what an element-wise undo could not know (a device's address). It may hold
passwords; the journal is for root alone.

`owned` are the steps whose interrupt or thread stood where this run had put it, before another write lets a
driver or the kernel move it (respread.py): nobody can tell afterwards. A later line adds to an earlier one.

A record is only trusted when its line is complete: a torn last line was never synced, so nothing that it
announces has been written. A line that could not be written whole is cut off before the next one, or it
would spoil that. The journal of a run stands in `journal`; when it is finished it is renamed
into `history/`, which is the history of the host.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from kvmrt_plan.apply.step import Outcome, Step, may_differ
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import HostError, KvmrtError, SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kvmrt_plan.ports import StateStore

FORMAT_VERSION = "1.0"
CURRENT = "journal"
HISTORY = "history"
#: What runs are for. The last two start and stop guests; there is nothing in them to take back.
APPLY, REVERT, RELEASE = "apply", "revert", "release"
START, STOP = "start", "stop"


#: What reading raises when somebody else has written into a file.
_DAMAGED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class Texts(NamedTuple):
    """A domain's definition before a batch, and after it (None: not known)."""

    before: str
    after: str | None


class Finish(StrEnum):
    """How a run ended."""

    APPLIED = "applied"
    #: A step failed or the proof did, and everything was taken back.
    REVERTED = "reverted"
    #: Something could not be taken back.
    INCOMPLETE = "incomplete"
    #: It was killed, and a later run took everything back.
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Which run it is."""

    id: str
    #: `apply`, `revert`, `release`.
    purpose: str
    plan_digest: str
    host: str
    boot_id: str
    user: str
    started: str
    #: UUIDs of the VMs whose policies are in force once the run is committed.
    holders: tuple[str, ...] = ()
    #: The same before the run.
    holders_before: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The first line of a journal."""
        return {
            "format": "kvmrt-journal",
            "format_version": FORMAT_VERSION,
            "id": self.id,
            "purpose": self.purpose,
            "plan": self.plan_digest,
            "host": self.host,
            "boot_id": self.boot_id,
            "user": self.user,
            "started": self.started,
            "holders": list(self.holders),
            "holders_before": list(self.holders_before),
        }


@dataclass(slots=True, kw_only=True)
class Record:
    """A journal as it was read."""

    header: Header
    #: Steps that may have been written, in order.
    begun: list[Step] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    #: Definitions of domains by the number of the first step of their batch: before, and after.
    texts: dict[int, Texts] = field(default_factory=dict)
    #: Steps that stay this run's own whatever a driver makes of them; None: not judged yet.
    owned: frozenset[int] | None = None
    finish: Finish | None = None
    #: What differs when it is incomplete, for people.
    differs: tuple[str, ...] = ()
    #: Bytes up to the end of the last complete line.
    size: int = 0

    def written(self) -> list[Step]:
        """Steps whose value was changed by the run, as far as the journal knows: those of a batch that
        has no end may or may not have been written.
        """
        return [step for step in self.begun if may_differ(step, self.outcomes.get(step.number))]


class Journal:
    """Writes the journal of one run. Each method raises HostError when its line is not on disk."""

    def __init__(self, store: StateStore, header: Header, *, begun: Record | None = None) -> None:
        self._store = store
        self.header = header
        #: What the journal says so far.
        self.record = begun or Record(header=header)
        self._is_torn = False

    def open(self) -> None:
        """Write the header; when that fails there is no journal."""
        try:
            self._append(self.header.document())
        except HostError:
            with suppress(HostError):
                self._store.remove(CURRENT)
            raise

    def begin(self, steps: Sequence[Step], text: str | None = None) -> None:
        """Announce a batch; it is on disk when this returns."""
        self._append({"begin": [_row(step) for step in steps], "text": text})
        _note_begin(self.record, steps, text)

    def end(self, outcomes: Mapping[int, Outcome], text: str | None = None) -> None:
        """What became of the batch."""
        rows = [[number, str(one)] for number, one in outcomes.items()]
        self._append({"end": rows, "text": text})
        _note_end(self.record, outcomes, text)

    def own(self, numbers: Iterable[int]) -> None:
        """Note which steps are this run's own, besides those that were noted before."""
        _note_owned(self.record, numbers)
        self._append({"owned": sorted(self.record.owned or ())})

    def finish(self, how: Finish, differs: Iterable[str] = ()) -> None:
        """The commit: from here on the run is over, whatever happens.

        When writing it is reported as failed and it stands there all the same, it counts: whoever
        recovers will take it for finished, and so must this run.
        """
        texts = tuple(differs)
        try:
            self._append({"finish": str(how), "differs": texts})
        except HostError:
            if not self._has_finish():
                raise
        self.record.finish, self.record.differs = how, texts

    def _has_finish(self) -> bool:
        try:
            record = read_journal(self._store)
        except KvmrtError:
            return False
        return record is not None and record.finish is not None

    def _append(self, document: dict[str, Any]) -> None:
        self._cut_torn()
        line = json.dumps(document).encode() + b"\n"
        try:
            self._store.append(CURRENT, line)
        except HostError:
            self._is_torn = True
            with suppress(HostError):
                self._cut_torn()
            raise
        self.record.size += len(line)

    def _cut_torn(self) -> None:
        if self._is_torn:
            self._store.truncate(CURRENT, self.record.size)
            self._is_torn = False


def read_journal(store: StateStore, name: str = CURRENT) -> Record | None:
    """The journal of that name; None when there is none or not even its header is complete.

    Raises:
        SnapshotError: it is of a format that this version cannot read.
    """
    content = store.read(name)
    if content is None:
        return None
    complete = content[: content.rfind(b"\n") + 1]
    lines = complete.splitlines()
    if not lines:
        return None
    try:
        header = _header(json.loads(lines[0]), store.place_of(name))
        record = Record(header=header, size=len(complete))
        for line in lines[1:]:
            _read_line(record, json.loads(line))
    except _DAMAGED as error:
        place = store.place_of(name)
        raise SnapshotError(
            place,
            f"is damaged, or no journal: {error or type(error).__name__}",
            "it says what a run has written and nobody has taken back: keep it, look into it, and move it "
            f"away (mv {place} {place}.damaged); `kvmrt plan` then shows what is not as it should be",
        ) from error
    return record


def _header(document: dict[str, Any], name: str) -> Header:
    version = str(document["format_version"])
    if document["format"] != "kvmrt-journal" or version.partition(".")[0] != "1":
        raise SnapshotError(
            name, f"has format version {version}", "recover with the version of kvmrt that wrote it"
        )
    return Header(
        id=str(document["id"]),
        purpose=str(document["purpose"]),
        plan_digest=str(document["plan"]),
        host=str(document["host"]),
        boot_id=str(document["boot_id"]),
        user=str(document["user"]),
        started=str(document["started"]),
        holders=tuple(map(str, document["holders"])),
        holders_before=tuple(map(str, document.get("holders_before", ()))),
    )


def _read_line(record: Record, document: dict[str, Any]) -> None:
    if not isinstance(document, dict):
        raise TypeError(f"{document!r:.40} is no record")
    if "begin" in document:
        _note_begin(record, [_step(row) for row in document["begin"]], document["text"])
    elif "end" in document:
        outcomes = {int(number): Outcome(one) for number, one in document["end"]}
        _note_end(record, outcomes, document["text"])
    elif "owned" in document:
        _note_owned(record, map(int, document["owned"]))
    elif "finish" in document:
        record.finish = Finish(document["finish"])
        record.differs = tuple(map(str, document["differs"]))


def _note_begin(record: Record, steps: Sequence[Step], text: str | None) -> None:
    record.begun.extend(steps)
    if text is not None:
        record.texts[steps[0].number] = Texts(text, None)


def _note_owned(record: Record, numbers: Iterable[int]) -> None:
    record.owned = frozenset((*(record.owned or ()), *numbers))


def _note_end(record: Record, outcomes: Mapping[int, Outcome], text: str | None) -> None:
    record.outcomes.update(outcomes)
    first = next(iter(outcomes), None)
    if text is not None and first in record.texts:
        record.texts[first] = Texts(record.texts[first].before, text)


def _row(step: Step) -> list[Any]:
    return [step.number, str(step.kind), step.address, step.old, step.new, step.owner]


def _step(row: list[Any]) -> Step:
    number, kind, address, old, new, owner = row
    for value in (old, new):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{value!r:.40} is no value")
    return Step(int(number), Kind(kind), str(address), old, new, str(owner))


def file_away(store: StateStore, header: Header) -> None:
    """Move a finished journal into the history."""
    store.rename(CURRENT, f"{HISTORY}/{header.id}")

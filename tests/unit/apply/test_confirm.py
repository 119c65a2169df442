# SPDX-License-Identifier: Apache-2.0
"""The note of a run that waits to be confirmed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kvmrt_plan.apply.confirm import (
    FILE,
    Unconfirmed,
    arm,
    disarm,
    read_unconfirmed,
    run_to_confirm,
)
from kvmrt_plan.apply.journal import APPLY, REVERT, Finish, Header, Record
from kvmrt_plan.errors import SnapshotError
from kvmrt_plan.hosts.state import FolderStore

WAITING = Unconfirmed(run="r1", seconds=60, deadline=1000, boot_id="b")


def record(run, *, purpose=APPLY, plan="p", finish=Finish.APPLIED):
    header = Header(
        id=run, purpose=purpose, plan_digest=plan, host="h", boot_id="b", user="u", started="t"
    )
    return Record(header=header, finish=finish)


@pytest.fixture
def store(tmp_path):
    return FolderStore(str(tmp_path / "run"))


def test_a_note_reads_as_it_was_written(store):
    assert read_unconfirmed(store) is None
    arm(store, WAITING)
    assert read_unconfirmed(store) == WAITING


def test_only_the_run_that_waits_is_confirmed(store):
    arm(store, WAITING)
    disarm(store, "r2")
    assert read_unconfirmed(store) == WAITING
    disarm(store, "r1")
    assert read_unconfirmed(store) is None


def test_a_run_waits_as_long_as_it_is_in_force(store):
    arm(store, WAITING)
    assert run_to_confirm(store, [record("r0"), record("r1")]) == WAITING
    unfinished = record("r2", purpose=REVERT, plan="r1", finish=Finish.INCOMPLETE)
    assert run_to_confirm(store, [record("r1"), unfinished]) == WAITING


@pytest.mark.parametrize(
    "records",
    [
        [],
        [record("r0")],
        [record("r1", finish=Finish.RECOVERED)],
        [record("r1", finish=Finish.REVERTED)],
        [record("r1"), record("r2", purpose=REVERT, plan="r1")],
    ],
    ids=["no run", "another run", "killed", "failed", "taken back"],
)
def test_the_note_of_a_run_that_came_to_nothing_is_removed(store, records):
    arm(store, WAITING)
    assert run_to_confirm(store, records) is None
    assert store.read(FILE) is None


def test_the_time_left_is_never_longer_than_the_whole():
    assert WAITING.seconds_left(990) == 10
    assert WAITING.seconds_left(1001) == -1
    # The clock began anew: the machine that holds a simulated host was started again.
    assert replace(WAITING, deadline=10_000).seconds_left(5) == 60


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"run": "r", "seconds": "x"}'])
def test_a_note_that_says_nothing_is_an_error(store, content):
    store.replace(FILE, content)
    with pytest.raises(SnapshotError, match="does not say which run waits"):
        read_unconfirmed(store)

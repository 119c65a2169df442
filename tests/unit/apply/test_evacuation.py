# SPDX-License-Identifier: Apache-2.0
"""A CPU that goes offline and comes back, and runs that end in between."""

from __future__ import annotations

import pytest

from kvmrt_plan.apply.engine import take_back
from kvmrt_plan.apply.evacuation import evacuate
from kvmrt_plan.apply.journal import Header, Record
from kvmrt_plan.apply.run import check_freshness
from kvmrt_plan.apply.step import Outcome, Step, is_immovable
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import StalePlanError, WriteRefusedError
from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.hosts.simulated.refusal import refusal

STEP = Step(1, Kind.CPU_EVACUATION, "cpu/9/evacuated", "online", "online")
PATH = "/sys/devices/system/cpu/cpu9/online"


class Watched:
    """A simulated host that notes what is written, and refuses what it is told to."""

    def __init__(self, repository, *, refused="", errno_name="EBUSY", is_made=False):
        path = repository / "examples/two-socket.json"
        self.host = SimulatedHost(load_snapshot(path.read_bytes(), file=path.name))
        self.written = []
        self.refused, self.error, self.is_made = refused, refusal(PATH, errno_name), is_made

    def read(self, path):
        return self.host.read(path)

    def write(self, path, text):
        self.written.append((path, text))
        if text == self.refused and not self.is_made:
            raise self.error
        self.host.write(path, text)
        if text == self.refused:
            raise self.error

    def capture(self):
        return self.host.capture()

    def below_sys(self):
        files = self.capture().files
        return {path: text for path, text in files.items() if path.startswith("/sys/")}


def record(outcome=None):
    header = Header(
        id="run-1", purpose="apply", plan_digest="0" * 64, host="lab", boot_id="1", user="tester",
        started="2026-11-28T12:00:00Z",
    )  # fmt: skip
    outcomes = {} if outcome is None else {STEP.number: outcome}
    return Record(header=header, begun=[STEP], outcomes=outcomes)


def test_a_cpu_goes_and_comes_back_with_all_that_it_had(repository):
    watched = Watched(repository)
    before = watched.below_sys()

    evacuate(watched, STEP)

    assert watched.written == [(PATH, "0"), (PATH, "1")]
    assert watched.below_sys() == before


def test_one_that_is_away_comes_back_only(repository):
    watched = Watched(repository)
    watched.host.write(PATH, "0")

    evacuate(watched, STEP)

    assert watched.written == [(PATH, "1")]


def test_one_that_the_kernel_keeps_stays_and_does_not_end_the_run(repository):
    watched = Watched(repository, refused="0")

    with pytest.raises(WriteRefusedError) as caught:
        evacuate(watched, STEP)

    assert watched.host.read(PATH) == "1\n"
    assert is_immovable(STEP, caught.value)


@pytest.mark.parametrize("is_made", [False, True])
def test_one_that_does_not_come_back_ends_the_run(repository, is_made):
    watched = Watched(repository, refused="1", is_made=is_made)

    with pytest.raises(WriteRefusedError, match="does not come back: Device") as caught:
        evacuate(watched, STEP)

    assert not is_immovable(STEP, caught.value)


def test_one_that_goes_with_an_error_ends_the_run(repository):
    watched = Watched(repository, refused="0", is_made=True)

    with pytest.raises(WriteRefusedError, match="does not come back") as caught:
        evacuate(watched, STEP)

    assert not is_immovable(STEP, caught.value)


@pytest.mark.parametrize("outcome", [None, Outcome.FAILED])
def test_a_run_that_ended_while_it_was_away_brings_it_back(repository, outcome):
    watched, begun = Watched(repository), record(outcome)
    before = watched.below_sys()
    watched.host.write(PATH, "0")

    assert take_back(watched, begun, begun.written()) == ()

    assert watched.below_sys() == before


def test_a_cpu_that_somebody_has_taken_offline_makes_the_plan_stale(repository):
    watched = Watched(repository)
    assert check_freshness(watched, [STEP]) == frozenset()
    watched.host.write(PATH, "0")

    with pytest.raises(StalePlanError) as caught:
        check_freshness(watched, [STEP])

    assert caught.value.differences == ("cpu/9/evacuated was online when planned, is offline now",)


def test_nobody_brings_back_what_somebody_took_offline_later(repository):
    watched, begun = Watched(repository), record(Outcome.DONE)
    watched.host.write(PATH, "0")

    assert take_back(watched, begun, begun.written()) == ()

    assert watched.host.read(PATH) == "0\n"

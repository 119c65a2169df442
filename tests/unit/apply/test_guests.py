# SPDX-License-Identifier: Apache-2.0
"""Starting and stopping guests when libvirt is slow, away, or refuses."""

from __future__ import annotations

import pytest

from kvmrt_plan.apply.guests import (
    SETTLE_SECONDS,
    Clock,
    Starting,
    Stopping,
    start_guests,
    stop_guests,
)
from kvmrt_plan.apply.history import find_run, read_history
from kvmrt_plan.apply.journal import CURRENT, START, Header
from kvmrt_plan.apply.recover import recover
from kvmrt_plan.apply.run import Site
from kvmrt_plan.apply.step import Outcome, Step
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import UsageError, WriteRefusedError
from kvmrt_plan.hosts.state import FolderStore

HEADER = Header(
    id="20261122T101200Z-aaaaaa",
    purpose=START,
    plan_digest="",
    host="test",
    boot_id="b",
    user="root",
    started="2026-11-22T10:12:00Z",
)


class Time:
    """A clock that only moves when somebody sleeps; things may happen while it does."""

    def __init__(self):
        self.seconds = 0.0
        self.plans = {}

    def sleep(self, seconds):
        """Let time pass."""
        self.seconds += seconds
        for at in [at for at in self.plans if at <= self.seconds]:
            self.plans.pop(at)()

    @property
    def clock(self) -> Clock:
        """As the engine wants it."""
        return Clock(now=lambda: self.seconds, sleep=self.sleep)


class Guests:
    """libvirt's side of two guests; what a real one does is set by the test."""

    name = "test"

    def __init__(self, **states: str):
        self.states = states
        self.is_away = False
        self.refused: dict[str, str] = {}
        self.pressed: list[str] = []
        self.deaf: set[str] = set()

    @property
    def domains(self):
        """The guests are their own host."""
        return self

    def state(self, uuid):
        """As domains do."""
        self._answer()
        return self.states[uuid]

    def start(self, uuid):
        """As domains do."""
        self._answer()
        if uuid in self.refused:
            raise WriteRefusedError(uuid, self.refused[uuid])
        self.states[uuid] = "running"

    def shutdown(self, uuid):
        """As domains do."""
        self._answer()
        self.pressed.append(uuid)
        if uuid not in self.deaf:
            self.states[uuid] = "shut off"

    def destroy(self, uuid):
        """As domains do."""
        self._answer()
        self.states[uuid] = "shut off"

    def _answer(self):
        if self.is_away:
            raise WriteRefusedError("libvirt", "Cannot recv data: Connection reset by peer")


def site(tmp_path, guests: Guests) -> Site:
    return Site(
        host=guests,
        state=FolderStore(str(tmp_path / "state")),
        volatile=FolderStore(str(tmp_path / "run"), mode=0o755),
        boot_id="b",
    )


def steps(guests: Guests, new: str) -> list[Step]:
    return [
        Step(number, Kind.DOMAIN_STATE, f"vm/{uuid}/state", old, new, uuid)
        for number, (uuid, old) in enumerate(guests.states.items(), start=1)
    ]


def test_a_start_that_is_refused_does_not_hold_back_the_next(tmp_path):
    guests = Guests(a="shut off", b="shut off")
    guests.refused["a"] = "no such disk"
    found = start_guests(
        site(tmp_path, guests), HEADER, steps(guests, "running"), Starting(clock=Time().clock)
    )

    assert found.outcomes == {1: Outcome.FAILED, 2: Outcome.DONE}
    assert found.causes == {1: "no such disk"}


def test_a_connection_that_breaks_after_the_start_does_not_make_it_fail(tmp_path):
    time, guests = Time(), Guests(a="shut off")

    def start(uuid):
        guests.states[uuid] = "running"
        guests.is_away = True
        raise WriteRefusedError(uuid, "Connection reset by peer")

    guests.start = start
    time.plans[3.0] = lambda: setattr(guests, "is_away", False)
    found = start_guests(
        site(tmp_path, guests), HEADER, steps(guests, "running"), Starting(clock=time.clock)
    )

    assert (found.outcomes, found.causes) == ({1: Outcome.DONE}, {})


def test_a_libvirt_that_stays_away_fails_the_start_in_bounded_time(tmp_path):
    time, guests = Time(), Guests(a="shut off")
    guests.is_away = True
    found = start_guests(
        site(tmp_path, guests), HEADER, steps(guests, "running"), Starting(clock=time.clock)
    )

    assert found.causes == {1: "Cannot recv data: Connection reset by peer"}
    assert time.seconds == pytest.approx(SETTLE_SECONDS, abs=1)


def test_all_power_buttons_are_pressed_before_anybody_is_waited_for(tmp_path):
    time, guests = Time(), Guests(a="running", b="running")
    guests.deaf = {"a", "b"}
    time.plans[5.0] = lambda: guests.states.update(b="shut off")
    found = stop_guests(
        site(tmp_path, guests),
        HEADER,
        steps(guests, "shut off"),
        Stopping(clock=time.clock, timeout_seconds=10),
    )

    assert guests.pressed == ["a", "b"]
    assert found.outcomes == {1: Outcome.FAILED, 2: Outcome.DONE}
    assert found.causes[1].startswith("it has not shut down within 10 seconds")
    assert time.seconds == pytest.approx(10, abs=0.5)


def test_a_guest_that_still_boots_sees_its_power_button_later(tmp_path):
    time, guests = Time(), Guests(a="running", b="running")
    guests.deaf = {"a"}
    time.plans[15.0] = guests.deaf.clear
    found = stop_guests(
        site(tmp_path, guests),
        HEADER,
        steps(guests, "shut off"),
        Stopping(clock=time.clock, timeout_seconds=60),
    )

    assert guests.pressed == ["a", "b", "a", "a"]
    assert found.outcomes == {1: Outcome.DONE, 2: Outcome.DONE}
    assert time.seconds == pytest.approx(20, abs=0.5)


def test_a_libvirt_that_restarts_while_guests_go_off_is_waited_for(tmp_path):
    time, guests = Time(), Guests(a="running")
    guests.deaf = {"a"}
    time.plans[1.0] = lambda: setattr(guests, "is_away", True)
    time.plans[2.0] = lambda: guests.states.update(a="shut off")
    time.plans[4.0] = lambda: setattr(guests, "is_away", False)
    found = stop_guests(
        site(tmp_path, guests),
        HEADER,
        steps(guests, "shut off"),
        Stopping(clock=time.clock, timeout_seconds=10),
    )

    assert found.outcomes == {1: Outcome.DONE}


def test_a_paused_guest_is_told_as_such(tmp_path):
    time, guests = Time(), Guests(a="paused")
    guests.deaf = {"a"}
    found = stop_guests(
        site(tmp_path, guests),
        HEADER,
        steps(guests, "shut off"),
        Stopping(clock=time.clock, timeout_seconds=1),
    )

    assert found.causes[1].startswith("it is paused")


def test_a_run_that_was_killed_while_guests_start_leaves_them_as_they_are(tmp_path):
    guests = Guests(a="shut off", b="shut off")
    place = site(tmp_path, guests)

    def start(uuid):
        guests.states[uuid] = "running"
        raise KeyboardInterrupt

    guests.start = start
    with pytest.raises(KeyboardInterrupt):
        start_guests(place, HEADER, steps(guests, "running"), Starting(clock=Time().clock))
    found = recover(guests, place.state, place.volatile, boot_id="b")

    assert (guests.states, found.differs) == ({"a": "running", "b": "shut off"}, ())
    assert place.state.read(CURRENT) is None


def test_starts_are_in_the_history_and_cannot_be_reverted(tmp_path):
    guests = Guests(a="shut off")
    place = site(tmp_path, guests)
    start_guests(place, HEADER, steps(guests, "running"), Starting(clock=Time().clock))

    records = read_history(place.state)
    assert [one.header.purpose for one in records] == [START]
    with pytest.raises(UsageError, match="no run can be reverted"):
        find_run(records, None)

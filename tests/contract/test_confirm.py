# SPDX-License-Identifier: Apache-2.0
"""`kvmrt apply --confirm`: taken back by itself, also when whoever applied is gone. In real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

#: kvmrt that ends itself with SIGKILL at a write: the n-th append to the journal, or when it has ended.
KILLED = """
import os, signal, sys
from kvmrt_plan.cli import apply
from kvmrt_plan.cli.main import main
from kvmrt_plan.hosts.site import open_site

left = int(sys.argv[1])

def boundary(what):
    global left
    left -= what == "before write journal"
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

apply.open_site = lambda *args, **named: open_site(*args, boundary=boundary, **named)
main(sys.argv[2:])
os.kill(os.getpid(), signal.SIGKILL)
"""
#: More than any run has: it is killed when it has ended.
AT_ITS_END = "1000000"


@pytest.fixture
def site(repository, tmp_path):
    """A simulated host of one's own, and what it holds now."""
    snapshot = tmp_path / "host.json"
    shutil.copyfile(repository / "examples" / "two-socket.json", snapshot)
    return Simulated(repository, snapshot)


class Simulated:
    """Runs kvmrt on a simulated host."""

    def __init__(self, repository, snapshot) -> None:
        self.repository = repository
        self.snapshot = snapshot
        self.first = snapshot.read_bytes()
        self.volatile = snapshot.with_name("host.json.state") / "run"

    def run(self, command, *argv, program="", status=0):
        """One command; its standard output."""
        start = ["-c", *program] if program else ["-m", "kvmrt_plan"]
        where = ["--host", str(self.snapshot)]
        ran = subprocess.run(
            [sys.executable, *start, command, *where, *argv],
            cwd=self.repository,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == status, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def apply(self, seconds, *, killed_at="", status=0):
        """The example's configuration, to be confirmed unless `seconds` is 0."""
        program = (KILLED, killed_at) if killed_at else ""
        configuration = str(self.repository / "examples" / "two-socket.yaml")
        confirm = ["--confirm", str(seconds)] if seconds else []
        return self.run(
            "apply", "--yes", "-f", configuration, *confirm, program=program, status=status
        )

    def history(self):
        """Purpose and outcome of each run, oldest first."""
        runs = json.loads(self.run("history", "--json"))["runs"]
        return [(one["purpose"], one["finish"]) for one in runs]

    def is_as_first(self):
        """Whether nothing is left of any run."""
        return self.snapshot.read_bytes() == self.first and not self.has_note()

    def has_note(self):
        """Whether a run waits."""
        return (self.volatile / "unconfirmed.json").exists()

    def wait_until_as_first(self, seconds=20):
        """For what a timer does."""
        end = time.monotonic() + seconds
        while not self.is_as_first():
            assert time.monotonic() < end, self.run("history")
            time.sleep(0.1)


def test_a_run_that_nobody_confirms_is_taken_back(site):
    output = site.apply(2)

    assert "is taken back in 2 s unless it is confirmed" in output
    assert not site.is_as_first()
    site.wait_until_as_first()
    assert site.history() == [("apply", "applied"), ("revert", "applied")]


def test_a_confirmed_run_stays(site):
    site.apply(2)
    site.run("confirm")
    applied = site.snapshot.read_bytes()

    time.sleep(3.5)

    assert site.snapshot.read_bytes() == applied != site.first
    assert site.history() == [("apply", "applied")]
    assert "no run waits" in site.run("confirm", status=1)


@pytest.mark.parametrize(
    ("killed_at", "history"),
    [
        (AT_ITS_END, [("apply", "applied"), ("revert", "applied")]),
        ("9", [("apply", "recovered")]),
        ("2", [("apply", "recovered")]),
    ],
    ids=["right after apply", "in the middle", "before the first write"],
)
def test_a_client_that_was_killed_is_cleaned_up_after(site, killed_at, history):
    site.apply(2, killed_at=killed_at, status=-signal.SIGKILL)
    assert site.has_note()

    site.wait_until_as_first()

    assert site.history() == history


def test_a_timer_finds_nothing_to_do_after_a_recovery(site):
    site.apply(1, killed_at="9", status=-signal.SIGKILL)
    site.run("recover")
    assert site.snapshot.read_bytes() == site.first
    again = site.apply(0)
    assert "applied" in again
    applied = site.snapshot.read_bytes()

    time.sleep(2.5)

    assert site.snapshot.read_bytes() == applied
    assert site.history() == [("apply", "recovered"), ("apply", "applied")]


def test_nothing_is_built_on_a_run_that_waits(site):
    site.apply(60)

    assert "waits to be confirmed" in site.apply(0, status=1)
    site.run("revert", "--yes")

    assert site.is_as_first()
    assert site.history() == [("apply", "applied"), ("revert", "applied")]


def test_an_apply_with_nothing_to_do_arms_nothing(site):
    site.apply(0)
    output = site.apply(60)

    assert "nothing to do" in output
    assert "confirm" not in output.rpartition("nothing to do")[2]
    assert not site.has_note()


def test_a_confirmation_of_another_run_is_refused(site):
    site.apply(60)

    assert "run x does not wait" in site.run("confirm", "x", status=1)
    assert site.has_note()
    site.run("confirm")


def test_a_timer_for_a_run_that_does_not_wait_does_nothing(site):
    site.apply(0)
    applied = site.snapshot.read_bytes()

    output = site.run("revert", "20260101T000000Z-000000", "--yes", "--if-unconfirmed")

    assert "does not wait to be confirmed" in output
    assert site.snapshot.read_bytes() == applied


@pytest.mark.skipif(os.path.isdir("/run/systemd/system"), reason="systemd keeps the timer")
def test_the_waiting_process_holds_nothing_of_the_client(site):
    site.apply(2)
    waiting = [pid for pid in os.listdir("/proc") if pid.isdigit() and _is_waiter(pid, site)]

    for pid in waiting:
        assert os.getsid(int(pid)) != os.getsid(0)
        files = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        assert files == {"/dev/null"}
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert waiting
    site.wait_until_as_first()


def _is_waiter(pid, site):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return False
    return words[0].endswith(b"sh") and str(site.snapshot).encode() in words

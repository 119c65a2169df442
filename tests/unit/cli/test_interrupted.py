# SPDX-License-Identifier: Apache-2.0
"""Runs that are told to end, or whose output nobody reads: nothing is left half done."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys

import pytest
from guest_hosts import Host, quiet_host
from terminal_run import run_at_terminal

from kvmrt_plan.cli.main import main

#: kvmrt that gets a signal at the nth write to its host; every command opens it through this.
SIGNALLED = """
import os, sys
from importlib import import_module
from kvmrt_plan.cli.main import main
from kvmrt_plan.hosts import site

number, left = int(sys.argv[1]), int(sys.argv[2])

def boundary(what):
    global left
    left -= what.startswith("before host write")
    if left == 0:
        left = -1
        os.kill(os.getpid(), number)

opened = site.open_site

def open_with_boundary(*args, **named):
    return opened(*args, boundary=boundary, **named)

for name in ("apply", "guest_run", "revert"):
    import_module(f"kvmrt_plan.cli.{name}").open_site = open_with_boundary
sys.exit(main(sys.argv[3:]))
"""


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path, quiet_host())


def signalled(number: int, write: int, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SIGNALLED, str(int(number)), str(write), *argv],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def words(text: str) -> str:
    return " ".join(text.split())


APPLY = ("--yes", "rt-motion", "rt-io")


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (signal.SIGINT, "interrupted:"),
        (signal.SIGTERM, "interrupted by SIGTERM:"),
        (signal.SIGHUP, "interrupted by SIGHUP:"),
    ],
)
def test_a_signal_during_an_apply_takes_it_back_and_says_so(host, number, cause):
    before = host.snapshot()

    ran = signalled(number, 5, "apply", *host.arguments, *APPLY)

    assert ran.returncode == 130, ran.stderr
    assert cause in words(ran.stderr)
    assert "had written was taken back, the host is as it was before it" in words(ran.stderr)
    assert host.snapshot() == before
    assert "journal" not in host.state_files()


def test_as_events_an_interrupted_apply_ends_with_its_recovery_and_its_exit_code(host):
    ran = signalled(signal.SIGTERM, 5, "apply", *host.arguments, "--json", *APPLY)

    events = [json.loads(line) for line in ran.stdout.splitlines()]
    last = [(one["type"], one.get("finish"), one.get("exit_code")) for one in events[-2:]]
    assert last == [("recovered", "recovered", None), ("refused", None, 130)]


def test_an_interrupted_revert_leaves_what_was_applied(host):
    assert main(["apply", *host.arguments, *APPLY]) == 0
    applied = host.snapshot()

    ran = signalled(signal.SIGTERM, 3, "revert", "--yes", "--host", str(host.path))

    assert ran.returncode == 130, ran.stderr
    assert "the revert was undone, the host is as it was before it" in words(ran.stderr)
    assert host.snapshot() == applied
    assert main(["revert", "--yes", "--host", str(host.path)]) == 0


def test_an_ignored_hangup_stays_ignored_as_nohup_asks(host):
    had = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        ran = signalled(signal.SIGHUP, 5, "apply", *host.arguments, *APPLY)
    finally:
        signal.signal(signal.SIGHUP, had)

    assert ran.returncode == 0, ran.stderr


def test_an_interrupted_boot_tells_each_vm(host):
    before = host.texts()

    ran = signalled(signal.SIGTERM, 5, "boot", *host.arguments, "rt-motion", "rt-io")

    assert ran.returncode == 130, ran.stderr
    assert "interrupted by SIGTERM: guests that run go on running" in words(ran.stdout)
    assert "rt-motion: is off, and holds nothing\n" in ran.stdout
    assert "rt-io: is off, and holds nothing\n" in ran.stdout
    assert host.texts() == before


def test_an_interrupted_shutdown_tells_each_vm_and_calls_itself_a_shutdown(host):
    before = host.texts()
    main(["boot", *host.arguments])

    ran = signalled(signal.SIGINT, 1, "shutdown", *host.arguments)

    assert ran.returncode == 130, ran.stderr
    assert "a shutdown had not ended" in words(ran.stdout)
    assert "a boot had not ended" not in words(ran.stdout)
    told = {line for line in ran.stdout.splitlines() if line.startswith(("rt-motion:", "rt-io:"))}
    assert len(told) == 2
    main(["shutdown", *host.arguments])
    assert host.texts() == before


def test_an_apply_whose_reader_went_away_is_taken_back(host):
    before = host.snapshot()
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "kvmrt_plan", "apply", *host.arguments, "--json", *APPLY]
    # The first event is written before the host is opened; kvmrt must not have begun by then.
    ran = subprocess.run(command, stdout=writing, timeout=120, check=False)
    os.close(writing)

    assert ran.returncode == 141
    assert host.snapshot() == before
    assert "journal" not in host.state_files()


@pytest.mark.parametrize(
    "argv",
    [
        ("apply", "rt-motion"),
        ("boot", "--ask", "rt-motion"),
    ],
)
def test_nobody_is_asked_with_the_lock_in_hand(host, argv):
    """The answer is typed by a program that takes the lock first."""
    lock = host.path.with_name("host.json.state") / "run" / "lock"
    taken = []

    class Answer(str):
        __slots__ = ()

        def encode(self, *_args):
            with open(lock, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                taken.append(True)
            return b"yes\n"

    ran = run_at_terminal(argv[0], *host.arguments, *argv[1:], typed=[("goes on: ", Answer())])

    assert (ran.code, taken) == (0, [True]), ran.shown
    assert host.running() == ({"rt-motion"} if argv[0] == "boot" else set())


def test_a_value_that_changes_while_somebody_thinks_is_found(host):
    class Answer(str):
        __slots__ = ()

        def encode(self, *_args):
            assert main(["apply", *host.arguments, "--yes", "rt-io"]) == 0
            return b"yes\n"

    ran = run_at_terminal("apply", *host.arguments, "rt-motion", typed=[("goes on: ", Answer())])

    assert ran.code == 3, ran.shown
    assert "the plan is stale" in words(ran.shown)


def test_ctrl_c_before_anything_is_loaded_is_one_line(repository):
    program = (
        "import builtins, sys\n"
        "from kvmrt_plan.cli import entry\n"
        "real = builtins.__import__\n"
        "def importing(name, *rest):\n"
        "    if name == 'kvmrt_plan.cli.main':\n"
        "        raise KeyboardInterrupt\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = importing\n"
        "entry.entry()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "kvmrt: interrupted\n")

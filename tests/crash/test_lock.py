# SPDX-License-Identifier: Apache-2.0
"""One run at a time: whoever comes second is told who was first."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from crash_pairs import FOLDER

from kvmrt_plan.errors import HostBusyError
from kvmrt_plan.hosts.lock import hold_lock

ROUNDS = 10
#: `kvmrt apply` that waits under the lock until a file `go` stands beside its snapshot.
SLOW = (
    "import os, sys, time\n"
    "import kvmrt_plan.cli.apply as apply\n"
    "from kvmrt_plan.cli.main import main\n"
    "perform = apply._perform\n"
    "def slowly(arguments, *more):\n"
    "    go = os.path.dirname(arguments.host) + '/go'\n"
    "    while not os.path.exists(go):\n"
    "        time.sleep(0.01)\n"
    "    return perform(arguments, *more)\n"
    "apply._perform = slowly\n"
    "sys.exit(main())\n"
)
QUICK = "import sys; from kvmrt_plan.cli.main import main; sys.exit(main())"


def kvmrt(program, snapshot, *more):
    command = ["apply", "-f", FOLDER / "two-socket.yaml", "--host", snapshot, "--yes", *more]
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=FOLDER.parent,
    )


@pytest.fixture
def snapshot(tmp_path):
    return shutil.copy(FOLDER / "two-socket.json", tmp_path / "host.json")


def test_of_two_applies_at_once_one_wins_and_one_names_it(tmp_path):
    for number in range(ROUNDS):
        (tmp_path / str(number)).mkdir()
        snapshot = shutil.copy(FOLDER / "two-socket.json", tmp_path / str(number) / "host.json")
        both = [kvmrt(SLOW, snapshot), kvmrt(SLOW, snapshot)]
        wait_until(lambda both=both: any(one.poll() is not None for one in both))
        let_go(snapshot)
        texts = [one.communicate(timeout=60) for one in both]
        codes = [one.returncode for one in both]
        assert sorted(codes) == [0, 6], texts
        loser, winner = both[codes.index(6)], both[codes.index(0)]
        error = texts[both.index(loser)][1]
        assert re.search(rf"pid {winner.pid}, kvmrt apply, since 2", " ".join(error.split())), error


def test_a_second_apply_waits_for_the_lock_when_it_is_told_to(snapshot):
    first = kvmrt(SLOW, snapshot)
    lock = f"{snapshot}.state/run/lock"
    wait_until(lambda: is_held(lock))
    second = kvmrt(QUICK, snapshot, "--lock-timeout", "60")
    time.sleep(1)
    assert second.poll() is None
    let_go(snapshot)
    assert [one.communicate(timeout=60)[1] for one in (first, second)] == ["", ""]
    assert (first.returncode, second.returncode) == (0, 0)


def test_a_holder_that_is_killed_frees_the_lock(snapshot):
    first = kvmrt(SLOW, snapshot)
    lock = f"{snapshot}.state/run/lock"
    wait_until(lambda: is_held(lock))
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    second = kvmrt(QUICK, snapshot)
    assert second.communicate(timeout=60)[1] == ""
    assert second.returncode == 0


def test_a_program_started_under_the_lock_does_not_hold_it(tmp_path):
    path = str(tmp_path / "lock")
    with hold_lock(path, purpose="test"):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with hold_lock(path, purpose="another"):
            pass
    finally:
        child.kill()
        child.wait()


def test_a_lock_that_is_held_names_its_holder_and_its_purpose(tmp_path):
    path = str(tmp_path / "lock")
    with hold_lock(path, purpose="kvmrt apply"), held_by_another(path) as raised:
        pass
    assert f"pid {os.getpid()}, kvmrt apply, since" in raised.value.holder


@contextmanager
def held_by_another(path):
    with pytest.raises(HostBusyError) as raised, hold_lock(path, purpose="another"):
        pass
    yield raised


def is_held(path):
    """Whoever gets the lock signs the file at once; to try the lock would disturb its taker."""
    return os.path.exists(path) and os.path.getsize(path) > 0


def let_go(snapshot):
    Path(snapshot).with_name("go").touch()


def wait_until(is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


#: Holds the lock with a program that writes, and says when both have begun.
WRITING = (
    "import subprocess, sys\n"
    "from kvmrt_plan.hosts.lock import held_locks, hold_lock\n"
    "with hold_lock(sys.argv[1], purpose='kvmrt apply'):\n"
    "    line = 'sleep 0.5; echo written >\"$0\"'\n"
    "    child = subprocess.Popen(['sh', '-c', line, sys.argv[2]], pass_fds=held_locks())\n"
    "    print('begun', flush=True)\n"
    "    child.wait()\n"
)


def test_the_last_write_of_a_killed_run_is_waited_for(tmp_path):
    path, written = str(tmp_path / "lock"), tmp_path / "written"
    run = subprocess.Popen(
        [sys.executable, "-c", WRITING, path, str(written)], stdout=subprocess.PIPE, text=True
    )
    with run:
        assert run.stdout.readline() == "begun\n"
        run.kill()

    with hold_lock(path, purpose="kvmrt recover"):
        assert written.read_text() == "written\n"


#: Makes a slice under the lock, with a systemctl that takes its time.
MAKING = (
    "import sys\n"
    "from kvmrt_plan.hosts.live import LiveHost\n"
    "from kvmrt_plan.hosts.lock import hold_lock\n"
    "from kvmrt_plan.values.cpuset import CpuSet\n"
    "with hold_lock(sys.argv[1], purpose='kvmrt boot'):\n"
    "    LiveHost(uri=None).make_slice('kvmrt1.slice', CpuSet((2, 3)))\n"
)


def test_a_slice_is_made_in_full_when_its_run_is_killed(tmp_path):
    path, called = str(tmp_path / "lock"), tmp_path / "called"
    program = tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$*" >>{called}\nsleep 0.5\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = subprocess.Popen([sys.executable, "-c", MAKING, path], env=environment)
    wait_until(called.exists)
    run.kill()
    run.wait()

    with hold_lock(path, purpose="kvmrt recover"):
        assert called.read_text().splitlines() == [
            "start kvmrt1.slice",
            "set-property --runtime kvmrt1.slice AllowedCPUs=2-3",
        ]

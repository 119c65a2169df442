# SPDX-License-Identifier: Apache-2.0
"""Runs a command with a libvirtd that answers at qemu:///system, so that the tests that need one run.

    python .ci/with_libvirtd.py COMMAND [ARGUMENT...]

One that answers already is used. Else virtlogd and libvirtd are started for as long as the command runs, and
exactly these are ended afterwards. Without root or without libvirtd the command runs plainly, and the tests
that need one skip.

The daemons are started below this process, which adopts what they leave behind and does nothing but reap it:
where process 1 reaps nothing, as in many containers, each of libvirt's probes of QEMU would stay as a zombie,
and libvirtd waits 30 s and more for it to go away (prctl(2), PR_SET_CHILD_SUBREAPER).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO

URI = "qemu:///system"
DAEMONS = ("virtlogd", "libvirtd")
PR_SET_CHILD_SUBREAPER = 36
#: Until a daemon answers, and until one that was told to end has ended.
SECONDS = 60


def main() -> int:
    """Run the command; its exit code."""
    command = sys.argv[1:]
    if not command:
        sys.exit("usage: with_libvirtd.py COMMAND [ARGUMENT...]")
    is_possible = os.geteuid() == 0 and all(shutil.which(one) for one in ("virsh", *DAEMONS))
    if not is_possible or answers():
        os.execvp(command[0], command)  # noqa: S606  the caller's command, as it is
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryFile() as told:
        left = {start([one], told) for one in DAEMONS}
        child = os.fork()
        if not child:
            run_when_it_answers(command, told.fileno())
        code = reap_until(child, left)
        end(left)
    return code


def start(command: list[str], told: IO[bytes]) -> int:
    """The process id of a daemon in the foreground; its messages go to the file."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=told, stderr=told).pid


def run_when_it_answers(command: list[str], told: int) -> None:
    """In the child: becomes the command."""
    deadline = time.monotonic() + SECONDS
    while not (is_up := answers()) and time.monotonic() < deadline:
        time.sleep(0.2)
    if is_up:
        say(f"started {' and '.join(DAEMONS)} for the time of {command[0]}")
    else:
        last = os.pread(told, 65536, 0).decode(errors="replace").splitlines()[-5:]
        say("\n  ".join((f"libvirtd does not answer within {SECONDS} s", *last)))
    os.execvp(command[0], command)  # noqa: S606  as above


def reap_until(child: int, daemons: set[int]) -> int:
    """Reap whoever ends until it is the child; its exit code as a shell has it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: os.kill(child, got))
    while True:
        pid, status = os.wait()
        daemons.discard(pid)
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def end(daemons: set[int]) -> None:
    """SIGTERM, and SIGKILL to one that stays."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in daemons:
            os.kill(pid, number)
        deadline = time.monotonic() + SECONDS
        while daemons and time.monotonic() < deadline:
            try:
                daemons.discard(os.waitpid(-1, os.WNOHANG)[0])
            except ChildProcessError:
                return
            time.sleep(0.05)


def answers() -> bool:
    """Whether a libvirtd does."""
    asking = ["virsh", "--connect", URI, "version"]
    try:
        return (
            subprocess.run(asking, capture_output=True, timeout=SECONDS, check=False).returncode
            == 0
        )
    except subprocess.TimeoutExpired:
        return False


def say(text: str) -> None:
    """On standard error."""
    sys.stderr.write(f"with_libvirtd: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())

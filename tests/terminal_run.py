# SPDX-License-Identifier: Apache-2.0
"""Runs kvmrt at a terminal of its own: what a user types, and what a user sees."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from dataclasses import dataclass

from repository_files import REPOSITORY

SECONDS = 60


@dataclass(frozen=True)
class TerminalRun:
    """The exit code (minus a signal's number), and all that was shown, with plain line ends."""

    code: int
    shown: str


def run_at_terminal(*argv: str, typed: list[tuple[str, str]] = (), **environment: str):
    """Run kvmrt; each of `typed` is a text to wait for, and the answer to it."""
    child, terminal = pty.fork()
    if not child:
        os.chdir(REPOSITORY)
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        variables = {**kept, "PYTHONPATH": str(REPOSITORY), "TERM": "dumb", **environment}
        os.execvpe(sys.executable, [sys.executable, "-m", "kvmrt_plan", *argv], variables)
    waiting = list(typed)
    seen = 0
    shown = b""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            part = os.read(terminal, 65536)
        except OSError:
            part = b""
        if not part:
            break
        shown += part
        while waiting and waiting[0][0].encode() in shown[seen:]:
            prompt, answer = waiting.pop(0)
            seen = shown.index(prompt.encode(), seen) + len(prompt)
            os.write(terminal, answer.encode())
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return TerminalRun(code=code, shown=shown.decode().replace("\r\n", "\n"))

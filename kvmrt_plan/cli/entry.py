# SPDX-License-Identifier: Apache-2.0
"""What the installed programs run: nothing is loaded before Ctrl-C is told in a line, as it is later on."""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

EXIT_INTERRUPTED = 130
#: Objects between two searches for garbage. What loading and planning make is in use until the end, so that
#: Python's 700 cost a cold plan a tenth of its time.
_GARBAGE_THRESHOLD = 50_000


def entry() -> NoReturn:
    """The `kvmrt` command."""

    def run() -> int:
        from kvmrt_plan.cli.main import main

        return main()

    ended(run)


def run_named(command: str, program: str) -> NoReturn:
    """A command that has a program of its own."""

    def run() -> int:
        from kvmrt_plan.cli.main import run_as

        return run_as(command, program)

    ended(run)


def ended(run: Callable[[], int]) -> NoReturn:
    """End with the exit code; `main` tells interrupts of a command, this is for the time around it."""
    gc.set_threshold(_GARBAGE_THRESHOLD)
    try:
        code = run()
    except KeyboardInterrupt:
        sys.stderr.write("kvmrt: interrupted\n")
        sys.stderr.flush()
        # The interpreter's own end could be interrupted as well; there is nothing left to write.
        os._exit(EXIT_INTERRUPTED)
    sys.exit(code)

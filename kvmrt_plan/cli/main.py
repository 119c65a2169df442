# SPDX-License-Identifier: Apache-2.0
"""The entry point: parse, run one command, turn every outcome into an exit code."""

from __future__ import annotations

import importlib
import os
import sys

from kvmrt_plan.cli.modules import module_of
from kvmrt_plan.cli.quick import parse_quickly
from kvmrt_plan.errors import (
    DesiredStateError,
    HostBusyError,
    KvmrtError,
    RunInterruptedError,
    StalePlanError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

EXIT_ERROR = 1
EXIT_BUG = 70
EXIT_INCOMPLETE = 5
EXIT_INTERRUPTED = 130
_EXIT_CODES = {StalePlanError: 3, HostBusyError: 6, RunInterruptedError: EXIT_INTERRUPTED}
#: What a shell reports for a program ended by SIGPIPE: the reader of our output went away.
EXIT_BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (docs/architecture.md lists them)."""
    return run(_parse(sys.argv[1:] if argv is None else argv))


def run_as(command: str, program: str) -> int:
    """Run one command that was called by a name of its own."""
    arguments = parse_quickly(command, sys.argv[1:])
    if arguments is None:
        from kvmrt_plan.cli.arguments import parse_command

        arguments = parse_command(command, sys.argv[1:], prog=program)
    return run(arguments)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    arguments = parse_quickly(argv[0], argv[1:]) if argv else None
    if arguments is None:
        # argparse and the parsers take 16 ms, of 39 that a quick view has.
        from kvmrt_plan.cli.arguments import parse_arguments

        arguments = parse_arguments(argv)
    return arguments


def run(arguments: argparse.Namespace) -> int:
    """Run the command of that name, and turn whatever comes of it into an exit code."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  until the process ends
    try:
        # Only the command that runs is loaded: --help and the views must not pay for the others.
        command = importlib.import_module(f"kvmrt_plan.cli.{module_of(arguments.command)}")
        code: int = command.run(arguments)
        sys.stdout.flush()
    except (KvmrtError, OSError, KeyboardInterrupt) as error:
        return _report(error)
    except Exception:  # noqa: BLE001  whatever else happens is a bug, and has to say so
        return _report_bug()
    return code


def _report(error: BaseException) -> int:
    """Say what went wrong, and return the exit code for it."""
    match error:
        case BrokenPipeError():
            _drop_output()
            return EXIT_BROKEN_PIPE
        case KeyboardInterrupt():
            sys.stderr.write(
                "kvmrt: interrupted; `kvmrt recover` takes back what a run had begun\n"
            )
            return EXIT_INTERRUPTED
        case DesiredStateError():
            _report_findings(error)
            return EXIT_ERROR
        case KvmrtError():
            _report_failure(error)
            return error_code(error)
        case OSError(filename=None):
            # Errors of files that kvmrt opens are told by whoever opens them and have names: what is
            # left without one is standard output.
            sys.stderr.write(f"kvmrt: standard output cannot be written: {error.strerror}\n")
            _drop_output()
            return EXIT_ERROR
    return _report_bug()


def error_code(error: KvmrtError) -> int:
    """The exit code for a failure of the world."""
    if isinstance(error, RunInterruptedError) and not error.is_whole:
        return EXIT_INCOMPLETE
    return _EXIT_CODES.get(type(error), EXIT_ERROR)


def _drop_output() -> None:
    """Python would complain again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _report_failure(error: KvmrtError) -> None:
    from kvmrt_plan.cli.terminal import stderr_painter, width_of
    from kvmrt_plan.views.failures import failure_lines

    lines = failure_lines(error, width_of(sys.stderr), stderr_painter())
    sys.stderr.write("\n".join(lines) + "\n")


def _report_findings(error: DesiredStateError) -> None:
    from kvmrt_plan.cli.terminal import stderr_painter, width_of
    from kvmrt_plan.views.findings import finding_lines

    lines = finding_lines(error.findings, width_of(sys.stderr), stderr_painter())
    sys.stderr.write("\n".join(lines) + "\n")


def _report_bug() -> int:
    import traceback

    traceback.print_exc()
    sys.stderr.write("kvmrt: this is a bug in kvmrt; please report it with the text above\n")
    return EXIT_BUG

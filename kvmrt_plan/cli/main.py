# SPDX-License-Identifier: Apache-2.0
"""The entry point: parse, run one command, turn every outcome into an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from kvmrt_plan.cli.arguments import parse_arguments
from kvmrt_plan.errors import DesiredStateError, HostBusyError, KvmrtError, StalePlanError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

EXIT_ERROR = 1
EXIT_BUG = 70
_EXIT_CODES = {StalePlanError: 3, HostBusyError: 6}
EXIT_INTERRUPTED = 130
#: What a shell reports for a program ended by SIGPIPE: the reader of our output went away.
EXIT_BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (docs/architecture.md lists them)."""
    return run(parse_arguments(sys.argv[1:] if argv is None else argv))


def run(arguments: argparse.Namespace) -> int:
    """Run the command of that name, and turn whatever comes of it into an exit code."""
    # Only the command that runs is loaded: --help and the views must not pay for the others.
    command = importlib.import_module(f"kvmrt_plan.cli.{arguments.command.replace('-', '_')}")
    try:
        code: int = command.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        sys.stderr.write("kvmrt: interrupted; `kvmrt recover` takes back what was begun\n")
        return EXIT_INTERRUPTED
    except DesiredStateError as error:
        _report_findings(error)
        return EXIT_ERROR
    except KvmrtError as error:
        _report(error)
        return _EXIT_CODES.get(type(error), EXIT_ERROR)
    except Exception:  # noqa: BLE001  whatever else happens is a bug, and has to say so
        _report_bug()
        return EXIT_BUG
    return code


def entry() -> NoReturn:
    """What the `kvmrt` command runs."""
    sys.exit(main())


def _report(error: KvmrtError) -> None:
    from kvmrt_plan.cli.terminal import stderr_painter, width_of
    from kvmrt_plan.views.failures import failure_lines

    lines = failure_lines(error, width_of(sys.stderr), stderr_painter())
    sys.stderr.write("\n".join(lines) + "\n")


def _report_findings(error: DesiredStateError) -> None:
    from kvmrt_plan.cli.terminal import stderr_painter, width_of
    from kvmrt_plan.views.findings import finding_lines

    lines = finding_lines(error.findings, width_of(sys.stderr), stderr_painter())
    sys.stderr.write("\n".join(lines) + "\n")


def _report_bug() -> None:
    import traceback

    traceback.print_exc()
    sys.stderr.write("kvmrt: this is a bug in kvmrt; please report it with the text above\n")

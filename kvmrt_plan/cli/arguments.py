# SPDX-License-Identifier: Apache-2.0
"""The command line: what `kvmrt` takes. Loads argparse and the parsers that are needed, nothing else.

A command line that begins with a command gets the parser of that command alone; the whole parser is
assembled for --help, for man pages and for completion.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from kvmrt_plan import __version__
from kvmrt_plan.cli.modules import module_of
from kvmrt_plan.values.text import escape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

#: In the order of `kvmrt --help`. The modules are `cli/parsers/NAME.py` and `cli/NAME.py`.
COMMANDS = (
    "plan",
    "report",
    "import",
    "edit",
    "show",
    "validate",
    "validate-host",
    "check",
    "sync",
    "map",
    "top",
    "topology",
    "irqs",
    "tasks",
    "snapshot",
    "diff",
    "schema",
    "apply",
    "confirm",
    "revert",
    "recover",
    "history",
    "boot",
    "shutdown",
    "stat",
    "guest",
    "install-service",
    "completion",
    "man",
)

_EXIT_CODES = """\
exit codes:
  0 nothing to do, or done             1 error
  2 changes (plan --detailed-exitcode)  3 the plan is stale, nothing was written
  4 failed and fully taken back         5 failed, and not everything is back
  6 another run holds the lock          7 done, and something waits for a boot
  70 a bug in kvmrt                     130 interrupted
"""


class CommandParser(Protocol):
    """A module of `kvmrt_plan.cli.parsers`."""

    SUMMARY: str
    EXAMPLE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds what the command takes."""


class Parser(argparse.ArgumentParser):
    """Wrong usage is an error like any other: argparse's own 2 means that changes are pending."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with 1."""
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: error: {escape_text(message)}\n")


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps line breaks of descriptions, and finds the width without loading shutil (4 ms)."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width() - 2)


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The parsed command line with its `command`; prints and leaves for --help and wrong usage."""
    if not argv or argv[0] not in COMMANDS:
        return build_parser().parse_args(argv)
    return parse_command(argv[0], argv[1:])


def parse_command(name: str, argv: Sequence[str], *, prog: str | None = None) -> argparse.Namespace:
    """The parsed arguments of one command, which may go by another name (`kvmrt-boot`)."""
    namespace = argparse.Namespace(command=name)
    return build_command_parser(name, prog=prog).parse_args(argv, namespace)


def build_parser() -> argparse.ArgumentParser:
    """The whole parser, every command with an example."""
    parser = Parser(
        prog="kvmrt",
        description="Plan, apply and prove the state of a Linux host for real-time KVM guests.",
        epilog=_EXIT_CODES,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"kvmrt {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        command = _load(name)
        texts = _texts(command)
        command.add_arguments(
            commands.add_parser(
                name,
                help=command.SUMMARY,
                description=texts[0],
                epilog=texts[1],
                formatter_class=HelpFormatter,
            )
        )
    return parser


def build_command_parser(name: str, *, prog: str | None = None) -> argparse.ArgumentParser:
    """The parser of one command, called `kvmrt NAME` unless another name is given."""
    command = _load(name)
    description, epilog = _texts(command)
    parser = Parser(
        prog=prog or f"kvmrt {name}",
        description=description,
        epilog=epilog,
        formatter_class=HelpFormatter,
    )
    command.add_arguments(parser)
    return parser


def _load(name: str) -> CommandParser:
    module = importlib.import_module(f"kvmrt_plan.cli.parsers.{module_of(name)}")
    return cast("CommandParser", module)


def _texts(command: CommandParser) -> tuple[str, str]:
    """Description and epilog."""
    summary = command.SUMMARY
    return f"{summary[0].upper()}{summary[1:]}.", f"example:\n  {command.EXAMPLE}\n"


def _width() -> int:
    """Columns of the terminal, as shutil.get_terminal_size finds them."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):
        return 80

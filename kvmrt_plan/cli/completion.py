# SPDX-License-Identifier: Apache-2.0
"""`kvmrt completion`: what a shell offers at the Tab key, made from the parser itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import shtab

from kvmrt_plan.cli.arguments import build_parser

if TYPE_CHECKING:
    import argparse

#: Options whose value is a file.
_FILES = frozenset({"FILE", "SNAPSHOT", "PLAN", "PATH"})


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    parser = build_parser()
    _complete_files(parser)
    sys.stdout.write(shtab.complete(parser, shell=arguments.shell))
    return 0


def _complete_files(parser: argparse.ArgumentParser) -> None:
    """Where a file or folder is expected, the shell offers those that are there."""
    for action in parser._actions:  # noqa: SLF001  argparse has no other list of its arguments
        if isinstance(action.metavar, str):
            if action.metavar in _FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif action.metavar == "DIR":
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        if isinstance(action.choices, dict):
            for command in action.choices.values():
                _complete_files(command)

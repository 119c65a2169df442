# SPDX-License-Identifier: Apache-2.0
"""KVM-RT's names of the commands: each is a program of its own, with the same options as the command."""

from __future__ import annotations

import sys
from typing import NoReturn

from kvmrt_plan.cli.arguments import parse_command
from kvmrt_plan.cli.main import run


def cpu_topology() -> NoReturn:
    """`cpu-topology` is `kvmrt topology`."""
    _run("topology", "cpu-topology")


def kvmrt_boot() -> NoReturn:
    """`kvmrt-boot` is `kvmrt boot`."""
    _run("boot", "kvmrt-boot")


def kvmrt_shutdown() -> NoReturn:
    """`kvmrt-shutdown` is `kvmrt shutdown`."""
    _run("shutdown", "kvmrt-shutdown")


def kvmrt_stat() -> NoReturn:
    """`kvmrt-stat` is `kvmrt stat`."""
    _run("stat", "kvmrt-stat")


def _run(command: str, name: str) -> NoReturn:
    sys.exit(run(parse_command(command, sys.argv[1:], prog=name)))

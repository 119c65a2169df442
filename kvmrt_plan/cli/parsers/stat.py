# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt stat` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_configuration, add_host, add_json, add_vms, wait_seconds

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "show the state of the VMs, their locked memory, policies and threads"
EXAMPLE = "kvmrt stat -t rt1"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_vms(parser)
    add_configuration(parser)
    add_host(parser)
    add_json(parser)
    parser.add_argument(
        "-t", "--threads", action="store_true", help="also every thread, with its CPU bias"
    )
    parser.add_argument(
        "--policies",
        action="store_true",
        help="also every policy as foreign, not held, weaker, pending or held, and what values were before",
    )
    parser.add_argument(
        "--watch",
        metavar="SECONDS",
        nargs="?",
        const=2.0,
        type=wait_seconds,
        help="show it again each so many seconds (2) until Ctrl-C",
    )

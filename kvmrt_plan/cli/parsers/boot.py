# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt boot` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_changed_host, add_configuration, add_json, positive

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "clear the CPUs of VMs, start them, and verify where their threads run"
EXAMPLE = "kvmrt boot rt1 rt2 --parallel 2"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument(
        "vms", nargs="*", metavar="VM", help="these VMs, by name (default: those with autostart)"
    )
    add_configuration(parser)
    add_changed_host(parser)
    add_json(parser)
    parser.add_argument(
        "--parallel",
        metavar="N",
        type=positive,
        default=1,
        help="start so many VMs at a time (default: one after the other, as configured)",
    )
    parser.add_argument("--ask", action="store_true", help="show the whole plan and ask first")
    parser.add_argument(
        "--dry-run", action="store_true", help="show the whole plan, and write nothing"
    )
    parser.add_argument(
        "--allow",
        action="append",
        metavar="CLASS",
        choices=("guest-threads",),
        help="permit what touches guests that run already: guest-threads",
    )

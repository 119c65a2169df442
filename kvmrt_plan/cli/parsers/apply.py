# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt apply` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import (
    add_changed_host,
    add_configuration,
    add_consent,
    add_json,
    seconds,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "perform a plan exactly, prove it, or leave the host as it was"
EXAMPLE = "kvmrt plan -o p.json && kvmrt apply p.json"
#: Classes of disturbance that --allow permits.
ALLOWED = ("guest-threads", "guest-restart")


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument(
        "vms", nargs="*", metavar="PLAN|VM", help="a saved plan; or only these VMs, by name"
    )
    add_configuration(parser)
    add_changed_host(parser)
    add_json(parser)
    add_consent(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="make every check, and write nothing"
    )
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument(
        "--allow",
        action="append",
        metavar="CLASS",
        choices=ALLOWED,
        help=f"permit what touches a running guest: {', '.join(ALLOWED)}",
    )
    parser.add_argument(
        "--confirm",
        metavar="SECONDS",
        type=seconds,
        help="take everything back unless `kvmrt confirm` comes within SECONDS",
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep what was written when it cannot be proven"
    )
    parser.add_argument(
        "--release",
        action="append",
        metavar="VM",
        default=[],
        help="give back what this VM holds, as far as no other needs it",
    )

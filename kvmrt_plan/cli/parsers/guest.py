# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt guest` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_changed_host, add_configuration, add_consent, add_vms

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "change what real time needs inside of guests, through their agents or by a script"
EXAMPLE = "kvmrt guest rt1 --dry-run"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_vms(parser)
    add_configuration(parser)
    add_changed_host(parser)
    add_consent(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="show the plan, and write nothing")
    what.add_argument(
        "--script",
        action="store_true",
        help="print a shell script to run in the guest instead; asks no agent",
    )

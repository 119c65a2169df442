# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt shutdown` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_changed_host, add_configuration, add_json, wait_seconds

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "shut VMs down by their power button, and give back what they held"
EXAMPLE = "kvmrt shutdown rt1 --timeout 120 --force"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument(
        "vms", nargs="*", metavar="VM", help="these VMs, by name (default: all that are configured)"
    )
    add_configuration(parser)
    add_changed_host(parser)
    add_json(parser)
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=wait_seconds,
        default=60.0,
        help="wait so long for the guests to go off (default: 60)",
    )
    parser.add_argument(
        "--force", action="store_true", help="then cut the power of those that have not"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be done, and do nothing"
    )

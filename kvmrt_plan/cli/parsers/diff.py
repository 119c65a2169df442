# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt diff` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "show what changed between two snapshots of a host"
EXAMPLE = "kvmrt diff before.json after.json"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument("before", metavar="A", help="the earlier snapshot")
    parser.add_argument("after", metavar="B", help="the later snapshot")
    parser.add_argument(
        "--exit-code", action="store_true", help="end with 2 when they differ (default: 0)"
    )
    add_json(parser)

# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt history` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_json, add_state

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "list what kvmrt has changed on this host"
EXAMPLE = "kvmrt history"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_state(parser)
    parser.add_argument("--host", metavar="SNAPSHOT", help="of this simulated host")
    add_json(parser)

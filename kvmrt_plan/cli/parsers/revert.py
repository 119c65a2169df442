# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt revert` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_changed_host, add_consent

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "take a run back and read every value back"
EXAMPLE = "kvmrt revert --yes"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument(
        "id", nargs="?", metavar="RUN", help="from `kvmrt history`; default: the last applied"
    )
    parser.add_argument(
        "--if-unconfirmed",
        action="store_true",
        help="what the timer of `kvmrt apply --confirm` runs: wait until the time is up, then take RUN "
        "back unless it was confirmed",
    )
    add_changed_host(parser)
    add_consent(parser)

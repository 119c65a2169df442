# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt confirm` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_changed_host

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "keep what `kvmrt apply --confirm` has changed"
EXAMPLE = "kvmrt apply --confirm 60 && kvmrt confirm"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument("id", nargs="?", metavar="RUN", help="default: the one that waits")
    add_changed_host(parser)

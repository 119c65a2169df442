# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt report` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_host

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "write a saved plan as a page for whoever has to approve it"
EXAMPLE = """kvmrt plan -f kvmrt.yaml -o plan.json
  kvmrt report plan.json --html plan.html"""


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument("plan", metavar="PLAN", help="a plan that `kvmrt plan -o` saved")
    parser.add_argument("--html", metavar="FILE", required=True, help="write the page to FILE")
    add_host(parser)

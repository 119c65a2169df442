# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt plan` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_configuration, add_host, add_json, add_vms

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "show what would change, and why; changes nothing"
EXAMPLE = "kvmrt plan -f hosts/rt1.yaml --host hosts/rt1.json --detailed-exitcode"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_vms(parser)
    add_configuration(parser)
    add_host(parser)
    add_json(parser)
    parser.add_argument("--json-file", metavar="FILE", help="also write the plan as JSON to FILE")
    parser.add_argument("-o", "--out", metavar="PLAN", help="save the plan to PLAN")
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="exit 2 when there are changes"
    )
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="also show what is right already"
    )

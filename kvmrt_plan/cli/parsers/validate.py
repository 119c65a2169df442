# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt validate` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_configuration, add_host, add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "say what is wrong or unwise about the configuration; changes nothing"
EXAMPLE = "kvmrt validate -f kvmrt.yaml --no-host"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_configuration(parser)
    add_host(parser)
    parser.add_argument(
        "--no-host", action="store_true", help="check what can be checked without any host"
    )
    add_json(parser)
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")

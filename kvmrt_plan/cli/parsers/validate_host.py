# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt validate-host` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_configuration, add_host, add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "say whether this host is fit for real-time VMs, and what to change"
EXAMPLE = "kvmrt validate-host --host host.json --json"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_configuration(parser)
    add_host(parser)
    add_json(parser)
    parser.add_argument("--strict", action="store_true", help="end with 1 for warnings too")
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="show only what is wrong, not what passed"
    )

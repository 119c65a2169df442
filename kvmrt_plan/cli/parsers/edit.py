# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt edit` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_changed_host, add_configuration

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "edit the configuration in $VISUAL or $EDITOR, see the plan, then apply it or not"
EXAMPLE = "EDITOR=nano kvmrt edit -f kvmrt.yaml"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_configuration(parser)
    add_changed_host(parser)
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")

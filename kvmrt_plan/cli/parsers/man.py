# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt man` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "write the manual pages of all commands into a folder"
EXAMPLE = "kvmrt man docs/man"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument("folder", metavar="DIR", help="where they go; the folder exists")

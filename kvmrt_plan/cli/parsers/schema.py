# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt schema` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "print the JSON Schema of a document"
EXAMPLE = "kvmrt schema config > config.schema.json"
#: Documents that have a schema.
SCHEMAS = ("config", "plan", "snapshot", "events", "topology")


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument("name", choices=SCHEMAS, metavar="NAME", help=", ".join(SCHEMAS))

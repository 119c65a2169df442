# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt recover` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_changed_host

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "finish, backwards, a run that was killed"
EXAMPLE = "kvmrt recover"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_changed_host(parser)

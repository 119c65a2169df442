# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt show` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_configuration, add_host, add_json, add_vms

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "show the configuration as it is understood, and which CPU does what"
EXAMPLE = "kvmrt show -f kvmrt.yaml --host host.json"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_vms(parser)
    add_configuration(parser)
    add_host(parser)
    add_json(parser)

# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt topology` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_host, add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "show NUMA nodes, sockets, cores and logical CPUs"
EXAMPLE = "kvmrt topology --json"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_host(parser, with_libvirt=False)
    add_json(parser)

# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt topology` takes."""

from __future__ import annotations

from kvmrt_plan.cli.options import add_configuration, add_host, add_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "show NUMA nodes, sockets, cores and logical CPUs, and whose they are"
EXAMPLE = "kvmrt topology -f kvmrt.yaml --table"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_configuration(parser)
    add_host(parser, with_libvirt=False)
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--table", action="store_true", help="print a line per CPU")
    add_json(shape)

# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt irqs` takes."""

from __future__ import annotations

from kvmrt_plan.cli.options import add_cpus, add_host, add_json, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "show the interrupts: where they may go, where they go, how often they came"
EXAMPLE = "kvmrt irqs -c 4-7 --rate 1"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_cpus(parser, "only interrupts that may go, or go, to these CPUs")
    parser.add_argument(
        "--rate",
        metavar="SECONDS",
        type=seconds,
        help="watch so long, and show interrupts per second instead of counts since boot",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="also interrupts without a number, such as the local timer's (LOC)",
    )
    add_host(parser, with_libvirt=False)
    add_json(parser)

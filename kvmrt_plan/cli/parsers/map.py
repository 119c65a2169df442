# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt map` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_configuration, add_host, add_vms

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "draw the host: nodes, sockets and cores, whose each CPU is, and what may disturb it"
EXAMPLE = """kvmrt map
  kvmrt map -f kvmrt.yaml --before-after
  kvmrt map -f kvmrt.yaml --host host.json --svg host.svg --html host.html"""


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_vms(parser)
    add_configuration(parser)
    add_host(parser)
    parser.add_argument(
        "--before-after",
        action="store_true",
        help="also the host as it is once the plan is in effect (needs a configuration)",
    )
    parser.add_argument(
        "--fold",
        choices=("auto", "always", "never"),
        default="auto",
        metavar="WHEN",
        help="draw neighbouring cores that look alike as one: always, never, or auto (default): for "
        "more than 128 CPUs, in a drawing 1024",
    )
    parser.add_argument("--svg", metavar="FILE", help="write a drawing to FILE, and no text")
    parser.add_argument(
        "--html", metavar="FILE", help="write a page with the drawing to FILE, and no text"
    )
    parser.add_argument(
        "--png",
        metavar="FILE",
        help="write the drawing as PNG to FILE, and no text (needs rsvg-convert, Debian's librsvg2-bin)",
    )

# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt snapshot` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_host

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "capture this host's raw facts into a file; needs no root"
EXAMPLE = "kvmrt snapshot -o host.json"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_host(parser)
    parser.add_argument(
        "-o", "--out", metavar="FILE", required=True, help="the file to write (JSON)"
    )
    parser.add_argument("--name", help="the host's name in the snapshot (default: its host name)")
    parser.add_argument(
        "--redact",
        action="store_true",
        help="replace what may not leave a team: serials, MAC and IP addresses, passwords, paths of "
        "disks, host and user names; plans stay the same",
    )
    parser.add_argument(
        "--no-libvirt", action="store_true", help="do not ask libvirt for its domains"
    )

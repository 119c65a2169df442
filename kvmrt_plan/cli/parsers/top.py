# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt top` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_configuration

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "watch this machine: the map, and what happens each second on the CPUs of VMs"
EXAMPLE = "kvmrt top -f kvmrt.yaml"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_configuration(parser)
    parser.add_argument("--connect", metavar="URI", help="libvirt to ask (default: qemu:///system)")

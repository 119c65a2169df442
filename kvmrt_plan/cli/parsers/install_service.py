# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt install-service` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_changed_host, add_configuration, add_consent

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "install kvmrt.service, which boots the VMs after libvirt and shuts them down"
EXAMPLE = "kvmrt install-service --yes"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_configuration(parser)
    add_changed_host(parser)
    add_consent(parser)
    parser.add_argument("--remove", action="store_true", help="disable it and remove its file")
    parser.add_argument(
        "--program", metavar="PATH", help="the kvmrt that it runs (default: this one)"
    )
    parser.add_argument("--dry-run", action="store_true", help="show the plan, and write nothing")

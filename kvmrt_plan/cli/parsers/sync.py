# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt sync` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import (
    add_apply,
    add_changed_host,
    add_configuration,
    add_consent,
    add_json,
    add_vms,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "write the configuration into libvirt's definitions, and nothing else"
EXAMPLE = "kvmrt sync rt1\n  kvmrt sync -r rt1   # after virt-manager or virsh edit"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_vms(parser)
    parser.add_argument(
        "-r",
        "--reverse",
        action="store_true",
        help="the other way round, as `kvmrt import -u`: libvirt's values into the configuration",
    )
    add_configuration(parser)
    add_changed_host(parser)
    add_json(parser)
    add_consent(parser)
    add_apply(parser)

# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt import` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import add_configuration, add_host, add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "take libvirt's domains over into the configuration; the plan is empty then"
EXAMPLE = "kvmrt import -f kvmrt.yaml rt1 web"

#: What else than libvirt VMs are taken from: the option behind `--from-`, its value, its help.
SOURCES = (
    (
        "nova-flavor",
        "FLAVOR",
        "a flavor of OpenStack: `openstack flavor show -f json`, or key=value",
    ),
    (
        "kubevirt",
        "MANIFEST",
        "VirtualMachines and VirtualMachineInstances of KubeVirt, YAML or JSON",
    ),
    ("seapath", "INVENTORY", "an Ansible inventory of SEAPATH with a group VMs"),
)


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument(
        "vms", nargs="*", metavar="VM", help="only these domains, by libvirt's name (default: all)"
    )
    parser.add_argument(
        "-u",
        "--update",
        action="store_true",
        help="also update VMs that are in the configuration (default: they are left alone)",
    )
    sources = parser.add_mutually_exclusive_group()
    for name, metavar, text in SOURCES:
        sources.add_argument(f"--from-{name}", metavar=metavar, help=text)
    add_configuration(parser)
    add_host(parser)
    add_json(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="show how the file would change, and write nothing"
    )

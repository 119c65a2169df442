# SPDX-License-Identifier: Apache-2.0
"""`kvmrt topology`: NUMA nodes, sockets, cores and logical CPUs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.host import read_host
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.plan.document import dump_document
from kvmrt_plan.views.topology import render_topology, topology_document

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Print the tree, or JSON."""
    facts = gather_facts(read_host(arguments))
    if arguments.json:
        sys.stdout.write(dump_document(topology_document(facts)))
    else:
        sys.stdout.write(render_topology(facts))
    return 0

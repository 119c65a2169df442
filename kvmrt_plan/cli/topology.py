# SPDX-License-Identifier: Apache-2.0
"""`kvmrt topology`: NUMA nodes, sockets, cores and logical CPUs, and whose they are."""

from __future__ import annotations

import os
import sys

from kvmrt_plan.cli.host import read_part
from kvmrt_plan.cli.options import DEFAULT_CONFIGURATIONS
from kvmrt_plan.facts.cpu import parse_cpus
from kvmrt_plan.hosts.captured_paths import CPU_PATTERNS
from kvmrt_plan.views.topology import render_topology, render_topology_table, topology_document

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.facts.cpu import CpuTopology
    from kvmrt_plan.views.cpu_uses import CpuUse


def run(arguments: argparse.Namespace) -> int:
    """Print the tree, a table, or JSON."""
    topology, uses = _read(arguments)
    if arguments.json:
        # Loaded where it is wanted: 3 ms.
        from kvmrt_plan.values.document import dump_document

        text = dump_document(topology_document(topology, uses))
    else:
        render = render_topology_table if arguments.table else render_topology
        text = render(topology, uses)
    sys.stdout.write(text)
    return 0


def _read(arguments: argparse.Namespace) -> tuple[CpuTopology, dict[int, CpuUse] | None]:
    if arguments.file is None and not _has_default(arguments):
        return parse_cpus(read_part(arguments, CPU_PATTERNS)), None
    return _read_with_owners(arguments)


def _has_default(arguments: argparse.Namespace) -> bool:
    """This machine's configuration says nothing of another host."""
    is_elsewhere = arguments.host is not None or arguments.root is not None
    return not is_elsewhere and any(os.access(path, os.R_OK) for path in DEFAULT_CONFIGURATIONS)


def _read_with_owners(
    arguments: argparse.Namespace,
) -> tuple[CpuTopology, dict[int, CpuUse] | None]:
    # A configuration and the whole host's facts cost more than everything above.
    from kvmrt_plan.cli.configuration import read_configuration
    from kvmrt_plan.cli.host import read_host
    from kvmrt_plan.errors import DesiredStateError
    from kvmrt_plan.facts.gather import gather_facts
    from kvmrt_plan.placement.place import place
    from kvmrt_plan.views.cpu_uses import cpu_uses

    facts = gather_facts(read_host(arguments))
    try:
        configuration = read_configuration(arguments).value
    except DesiredStateError:
        if arguments.file is not None:
            raise
        sys.stderr.write(
            "kvmrt: the configuration has errors, so that owners are not shown; "
            "`kvmrt validate` lists them\n"
        )
        return facts.cpus, None
    placement = place(configuration, facts)
    return facts.cpus, cpu_uses(placement, facts.cpus.present)

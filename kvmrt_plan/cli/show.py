# SPDX-License-Identifier: Apache-2.0
"""`kvmrt show`: the configuration as it is understood, and which CPU does what."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.configuration import read_configuration
from kvmrt_plan.cli.host import read_host
from kvmrt_plan.cli.terminal import stderr_painter, width_of
from kvmrt_plan.diagnostics import has_errors, sort_findings
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.placement.place import place
from kvmrt_plan.rules.check import check
from kvmrt_plan.values.document import dump_document
from kvmrt_plan.views.findings import finding_lines
from kvmrt_plan.views.placement import placement_document, render_placement

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Print the placement; findings go to standard error."""
    configuration = read_configuration(arguments)
    facts = gather_facts(read_host(arguments))
    named = tuple(arguments.vms)
    placement = place(configuration.value, facts, named=named)
    if arguments.json:
        document = placement_document(configuration.value, placement, facts, only=named)
        sys.stdout.write(dump_document(document))
    else:
        sys.stdout.write(render_placement(configuration.value, placement, facts, only=named))
    found = sort_findings([*configuration.findings, *check(configuration.value, facts, placement)])
    lines = finding_lines(found, width_of(sys.stderr), stderr_painter())
    sys.stdout.flush()
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return 1 if has_errors(found) else 0

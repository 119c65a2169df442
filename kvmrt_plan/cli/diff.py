# SPDX-License-Identifier: Apache-2.0
"""`kvmrt diff`: what changed between two snapshots."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.terminal import wants_colour, width_of
from kvmrt_plan.comparison.compare import compare_facts
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hosts.simulated.log import read_snapshot_file
from kvmrt_plan.values.document import dump_document
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.comparison import comparison_document, comparison_lines
from kvmrt_plan.views.terminal import Painter

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.facts.host import HostFacts

#: As `kvmrt plan --detailed-exitcode` ends when there are changes.
EXIT_DIFFERENT = 2


def run(arguments: argparse.Namespace) -> int:
    """Compare and print; 2 when they differ and that was asked for."""
    snapshots = [read_snapshot_file(file) for file in (arguments.before, arguments.after)]
    before, after = map(gather_facts, snapshots)
    differences = compare_facts(before, after)
    names = {**_names(before), **_names(after)}
    if arguments.json:
        files = (arguments.before, arguments.after)
        sys.stdout.write(dump_document(comparison_document(differences, names, files=files)))
    else:
        if bool(snapshots[0].redacted) != bool(snapshots[1].redacted):
            redacted = arguments.before if snapshots[0].redacted else arguments.after
            sys.stdout.write(f"only {escape_text(redacted)} is redacted: values differ by that\n")
        lines = comparison_lines(
            differences,
            names,
            width=width_of(sys.stdout),
            painter=Painter(is_coloured=wants_colour(sys.stdout)),
        )
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return EXIT_DIFFERENT if differences and arguments.exit_code else 0


def _names(facts: HostFacts) -> dict[str, str]:
    return {str(uuid): domain.name for uuid, domain in facts.domains.items()}

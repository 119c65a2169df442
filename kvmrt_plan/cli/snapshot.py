# SPDX-License-Identifier: Apache-2.0
"""`kvmrt snapshot`: capture a host into a file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.host import read_host
from kvmrt_plan.cli.terminal import width_of
from kvmrt_plan.facts.document import dump_snapshot
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hosts.files import write_document
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.terminal import fold

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Capture, check that the facts can be parsed, write, and say what is in it."""
    snapshot = read_host(arguments, with_checks=True)
    if arguments.redact:
        # Loads the XML parser, which other snapshots do without.
        from kvmrt_plan.redaction.redact import redact
        from kvmrt_plan.redaction.words import HOST

        snapshot = redact(snapshot, name=arguments.name or HOST)
    facts = gather_facts(snapshot)
    write_document(arguments.out, dump_snapshot(snapshot))
    parts = [
        f"{len(facts.cpus.present)} CPUs",
        f"{len(facts.irqs)} interrupts",
        f"{len(facts.domains)} domains",
    ]
    sys.stdout.write(
        f"{escape_text(arguments.out)}: {escape_text(facts.name)}, {', '.join(parts)}\n"
    )
    if snapshot.redacted:
        kinds = ", ".join(f"{count} {kind}" for kind, count in snapshot.redacted.items())
        for line in fold(f"redacted: {kinds}", width_of(sys.stdout), indent=2):
            sys.stdout.write(f"{line}\n")
    if facts.unreadable:
        sys.stdout.write(
            f"{len(facts.unreadable)} files could not be read and are recorded as such\n"
        )
    if facts.libvirt_problem:
        sys.stdout.write(f"libvirt: {escape_text(facts.libvirt_problem)}\n")
    return 0

# SPDX-License-Identifier: Apache-2.0
"""`kvmrt history`: who changed this host with kvmrt, when, and what came of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kvmrt_plan.apply.history import read_history, unreadable_runs
from kvmrt_plan.cli.site import location_of
from kvmrt_plan.cli.terminal import width_of
from kvmrt_plan.hosts.state import FolderStore
from kvmrt_plan.values.document import dump_document
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.history import history_document, history_lines

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """List finished runs, oldest first."""
    store = FolderStore(location_of(arguments).state_path)
    for problem in unreadable_runs(store):
        sys.stderr.write(f"kvmrt: {escape_text(problem)}; it is passed over\n")
    records = read_history(store)
    if arguments.json:
        sys.stdout.write(dump_document(history_document(records)))
    else:
        lines = history_lines(records, width=width_of(sys.stdout))
        sys.stdout.write("\n".join(lines) + "\n")
    return 0

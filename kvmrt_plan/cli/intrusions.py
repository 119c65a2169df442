# SPDX-License-Identifier: Apache-2.0
"""`kvmrt tasks --who-disturbs CPUS`: what can still interrupt them, and what removes it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.host import read_host, read_part
from kvmrt_plan.cli.terminal import width_of
from kvmrt_plan.errors import UsageError
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.facts.task import TASK_PATTERNS, parse_tasks
from kvmrt_plan.hosts.tasks import read_tasks
from kvmrt_plan.rules.intrusions import find_intrusions
from kvmrt_plan.values.document import dump_document
from kvmrt_plan.views.intrusions import intrusions_document, render_intrusions

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.facts.task import Task


def show_intrusions(arguments: argparse.Namespace) -> int:
    """Print paragraphs, or JSON."""
    snapshot = read_host(arguments)
    facts = gather_facts(snapshot)
    wanted = arguments.who_disturbs
    absent = wanted - facts.cpus.present
    if absent:
        raise UsageError(
            f"the host has no CPU {absent}", f"name some of those it has: {facts.cpus.present}"
        )
    tasks, are_all = _tasks(arguments, snapshot)
    found = find_intrusions(facts, tasks, wanted, are_all_tasks=are_all)
    if arguments.json:
        sys.stdout.write(dump_document(intrusions_document(found)))
    else:
        sys.stdout.write(render_intrusions(found, width=width_of(sys.stdout)))
    return 0


def _tasks(arguments: argparse.Namespace, snapshot: Snapshot) -> tuple[list[Task], bool]:
    """The threads that are known, and whether these are all: a snapshot holds those of QEMU alone."""
    if arguments.host is not None:
        return list(parse_tasks(snapshot)), False
    if arguments.root is not None:
        found = list(parse_tasks(read_part(arguments, TASK_PATTERNS)))
        return found, bool(found)
    return list(read_tasks(with_cgroups=False)), True

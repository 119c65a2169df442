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

    from kvmrt_plan.facts.task import Task


def show_intrusions(arguments: argparse.Namespace) -> int:
    """Print paragraphs, or JSON."""
    facts = gather_facts(read_host(arguments))
    wanted = arguments.who_disturbs
    absent = wanted - facts.cpus.present
    if absent:
        raise UsageError(
            f"the host has no CPU {absent}", f"name some of those it has: {facts.cpus.present}"
        )
    found = find_intrusions(facts, _tasks(arguments), wanted)
    if arguments.json:
        sys.stdout.write(dump_document(intrusions_document(found)))
    else:
        sys.stdout.write(render_intrusions(found, width=width_of(sys.stdout)))
    return 0


def _tasks(arguments: argparse.Namespace) -> list[Task] | None:
    """All threads; None of a snapshot, which holds those of QEMU alone, and of a tree without them."""
    if arguments.host is not None:
        return None
    if arguments.root is not None:
        return list(parse_tasks(read_part(arguments, TASK_PATTERNS))) or None
    return list(read_tasks(with_cgroups=False))

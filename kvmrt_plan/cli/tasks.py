# SPDX-License-Identifier: Apache-2.0
"""`kvmrt tasks`: every thread, or everything that can interrupt some CPUs."""

from __future__ import annotations

import gc
import sys

from kvmrt_plan.cli.host import read_part
from kvmrt_plan.facts.task import TASK_PATTERNS, parse_tasks
from kvmrt_plan.views.tasks import render_tasks, tasks_document

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from kvmrt_plan.facts.task import Task


def run(arguments: argparse.Namespace) -> int:
    """Print a table, or JSON."""
    if arguments.who_disturbs is not None:
        from kvmrt_plan.cli.intrusions import show_intrusions

        return show_intrusions(arguments)
    # Nothing of what follows is garbage before the end: looking for it takes a tenth of the time.
    gc.disable()
    tasks = [task for task in _read(arguments) if _is_wanted(task, arguments)]
    if arguments.name is not None:
        tasks = list(_named(tasks, arguments.name))
    if arguments.json:
        # Loaded where it is wanted: 3 ms.
        from kvmrt_plan.values.document import dump_document

        sys.stdout.write(dump_document(tasks_document(tasks)))
    else:
        sys.stdout.write(render_tasks(tasks, with_cgroups=arguments.cgroup))
    return 0


def _read(arguments: argparse.Namespace) -> Iterable[Task]:
    if arguments.host is None and arguments.root is None:
        from kvmrt_plan.hosts.tasks import read_tasks

        return read_tasks(with_cgroups=arguments.cgroup or arguments.json)
    if arguments.host is not None:
        sys.stderr.write("kvmrt: a snapshot holds the threads of QEMU, and no others\n")
    return parse_tasks(read_part(arguments, TASK_PATTERNS))


def _is_wanted(task: Task, arguments: argparse.Namespace) -> bool:
    if arguments.cpus is not None and not (task.affinity and task.affinity & arguments.cpus):
        return False
    if arguments.movable and not task.is_movable:
        return False
    if arguments.kernel:
        return task.is_kernel
    return not (arguments.user and task.is_kernel)


def _named(tasks: Iterable[Task], pattern: str) -> Iterator[Task]:
    # Loads re, 10 ms.
    from fnmatch import fnmatchcase

    return (task for task in tasks if fnmatchcase(task.name, pattern))

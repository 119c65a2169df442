# SPDX-License-Identifier: Apache-2.0
"""`kvmrt plan`: what would change, and why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.configuration import read_configuration
from kvmrt_plan.cli.host import read_host
from kvmrt_plan.cli.outputs import check_outputs
from kvmrt_plan.cli.terminal import wants_colour, width_of
from kvmrt_plan.errors import DesiredStateError
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.plan.document import dump_document, plan_document, unusable_document
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.views.plan_text import render_plan

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.plan.action import Plan

EXIT_CHANGES = 2


def run(arguments: argparse.Namespace) -> int:
    """Show the plan, save it where asked, and say by the exit code what came out."""
    inputs = [one for one in (arguments.file, arguments.host) if one is not None]
    check_outputs([arguments.out, arguments.json_file], inputs)
    try:
        configuration = read_configuration(arguments)
    except DesiredStateError as error:
        if not arguments.json:
            raise
        sys.stdout.write(dump_document(unusable_document(arguments.file or "", error.findings)))
        return 1
    goal = Goal(
        configuration=configuration.value,
        findings=configuration.findings,
        narrowed_to=tuple(sorted(set(arguments.vms))),
        is_strict=arguments.strict,
    )
    plan = plan_host(goal, read_host(arguments))
    if arguments.json or arguments.json_file or arguments.out:
        document = plan_document(
            plan, configuration=configuration.content, with_unchanged=arguments.verbose
        )
        _write_files(arguments, dump_document(document))
    if arguments.json:
        sys.stdout.write(dump_document(document))
    else:
        sys.stdout.write(
            render_plan(
                plan,
                width=width_of(sys.stdout),
                is_coloured=wants_colour(sys.stdout),
                is_verbose=arguments.verbose,
            )
        )
    return _exit_code(plan, is_detailed=arguments.detailed_exitcode)


def _write_files(arguments: argparse.Namespace, text: str) -> None:
    from kvmrt_plan.hosts.files import write_document

    for path in (arguments.json_file, arguments.out):
        if path is not None:
            write_document(path, text)


def _exit_code(plan: Plan, *, is_detailed: bool) -> int:
    if plan.is_errored:
        return 1
    return EXIT_CHANGES if is_detailed and plan.actions else 0

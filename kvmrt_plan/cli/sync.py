# SPDX-License-Identifier: Apache-2.0
"""`kvmrt sync`: libvirt's definitions follow the configuration, or with -r the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.apply import apply_goal
from kvmrt_plan.cli.configuration import read_configuration
from kvmrt_plan.plan.goal import Goal

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Apply the plan as far as it is about definitions."""
    if arguments.reverse:
        # What reads the configuration only has no need of the editors of files.
        from kvmrt_plan.cli.importing import import_into

        arguments.root = None
        return import_into(arguments, updates=True)
    configuration = read_configuration(arguments)
    goal = Goal(
        configuration=configuration.value,
        findings=configuration.findings,
        narrowed_to=tuple(sorted(set(arguments.vms))),
        has_policies=False,
        is_strict=arguments.strict,
    )
    return apply_goal(arguments, goal, configuration.content)

# SPDX-License-Identifier: Apache-2.0
"""`kvmrt validate-host`: whether the host is fit for real-time VMs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.configuration import read_configuration
from kvmrt_plan.cli.host import read_host
from kvmrt_plan.cli.options import DEFAULT_CONFIGURATIONS
from kvmrt_plan.cli.terminal import wants_colour, width_of
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hostchecks.check import HostView, Status
from kvmrt_plan.hostchecks.table import run_checks
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.document import dump_document
from kvmrt_plan.rules.check import check
from kvmrt_plan.views.host_checks import check_lines, checks_document
from kvmrt_plan.views.terminal import Painter

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.desired.model import Configuration


def run(arguments: argparse.Namespace) -> int:
    """Print every check; 1 when one fails, with --strict also when one warns."""
    configuration = _configuration(arguments)
    view = _view(arguments, configuration)
    results = run_checks(view)
    bad = {Status.FAIL, Status.WARN} if arguments.strict else {Status.FAIL}
    if arguments.json:
        sys.stdout.write(dump_document(checks_document(results, host=view.snapshot.name)))
    else:
        painter = Painter(is_coloured=wants_colour(sys.stdout))
        lines = check_lines(
            results, width=width_of(sys.stdout), painter=painter, is_quiet=arguments.quiet
        )
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if any(one.outcome.status in bad for one in results) else 0


def _view(arguments: argparse.Namespace, configuration: Configuration | None) -> HostView:
    snapshot = read_host(arguments, with_checks=True)
    facts = gather_facts(snapshot)
    is_live = arguments.host is None and arguments.root is None
    if configuration is None:
        return HostView(snapshot=snapshot, facts=facts, is_live=is_live)
    placement = place(configuration, facts)
    return HostView(
        snapshot=snapshot,
        facts=facts,
        is_live=is_live,
        configuration=configuration,
        placement=placement,
        findings=check(configuration, facts, placement),
    )


def _configuration(arguments: argparse.Namespace) -> Configuration | None:
    """The configuration that is named, or for this machine the one that it has."""
    is_this_machine = arguments.host is None and arguments.root is None
    has_default = any(os.path.lexists(path) for path in DEFAULT_CONFIGURATIONS)
    if arguments.file is None and not (is_this_machine and has_default):
        return None
    return read_configuration(arguments).value

# SPDX-License-Identifier: Apache-2.0
"""`kvmrt stat`: the state of the VMs, with their threads and policies; once or again and again."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from kvmrt_plan.cli.configuration import read_configuration
from kvmrt_plan.cli.host import read_host
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.document import dump_document
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.plan.policies import policies_of
from kvmrt_plan.views.policies import policy_document, policy_lines
from kvmrt_plan.views.stat import render_stat, stat_document

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.cli.configuration import ReadConfiguration
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.placement.model import Placement
    from kvmrt_plan.plan.action import Plan
    from kvmrt_plan.plan.policies import Policy

#: Libvirt does not answer: no state of a VM is known.
EXIT_UNKNOWN = 1
#: Cursor home and erase below (ECMA-48): without scrolling, and without the flicker of erasing all first.
_HOME, _ERASE_LINE, _ERASE_BELOW, _ERASE_ALL = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"


def run(arguments: argparse.Namespace) -> int:
    """Print it; with --watch until Ctrl-C, which is the way to end it and no failure."""
    configuration = read_configuration(arguments)
    if arguments.watch is None:
        text, is_known = _text(arguments, configuration)
        sys.stdout.write(text)
        return 0 if is_known else EXIT_UNKNOWN
    if sys.stdout.isatty():
        sys.stdout.write(_ERASE_ALL)
    try:
        while True:
            _refresh(_text(arguments, configuration)[0])
            time.sleep(max(arguments.watch, 0.1))
    except KeyboardInterrupt:
        return 0


def _text(arguments: argparse.Namespace, configuration: ReadConfiguration) -> tuple[str, bool]:
    """What is shown, and whether libvirt told the states in it."""
    snapshot = read_host(arguments)
    facts = gather_facts(snapshot)
    placement = place(configuration.value, facts)
    is_known = not facts.libvirt_problem
    if arguments.json:
        document = stat_document(placement, facts, names=arguments.vms)
        if arguments.policies:
            document |= policy_document(*_policies(configuration, facts, placement, snapshot))
        return dump_document(document), is_known
    policies = (
        tuple(policy_lines(*_policies(configuration, facts, placement, snapshot)))
        if arguments.policies
        else None
    )
    text = render_stat(
        placement,
        facts,
        names=arguments.vms,
        has_threads=arguments.threads,
        policies=policies,
    )
    return text, is_known


def _policies(
    configuration: ReadConfiguration, facts: HostFacts, placement: Placement, snapshot: Snapshot
) -> tuple[tuple[Policy, ...], Plan]:
    """What a plan for the whole configuration says of them."""
    goal = Goal(configuration=configuration.value, findings=configuration.findings)
    plan = plan_host(goal, snapshot)
    return policies_of(plan, facts, placement), plan


def _refresh(text: str) -> None:
    """On a terminal in the place of the last one; elsewhere one after the other."""
    if sys.stdout.isatty():
        lines = "".join(f"{line}{_ERASE_LINE}\n" for line in text.splitlines())
        text = f"{_HOME}{lines}{_ERASE_BELOW}"
    sys.stdout.write(text)
    sys.stdout.flush()

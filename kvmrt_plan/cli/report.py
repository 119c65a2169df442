# SPDX-License-Identifier: Apache-2.0
"""`kvmrt report`: a saved plan as a page to be signed.

The page shows the host as well, which a plan does not hold. So the plan is made again from its own
configuration on the host as it is, and a page is written only when the two are the same: nobody signs what
would be refused as stale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.host import read_host
from kvmrt_plan.cli.outputs import check_outputs
from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.errors import DesiredStateError, StalePlanError, UsageError
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hosts.files import read_document, write_document
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.plan.saved import MAX_PLAN_BYTES, load_plan
from kvmrt_plan.views.map_drawn import REPORT_FOLDS_ABOVE, draw
from kvmrt_plan.views.report import Origin, render_report

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from kvmrt_plan.plan.action import Action


def run(arguments: argparse.Namespace) -> int:
    """Write the page.

    Raises:
        KvmrtError: the plan or the host cannot be read, or the plan is for another host.
        StalePlanError: the host is not as it was planned on.
    """
    inputs = [one for one in (arguments.plan, arguments.host) if one is not None]
    check_outputs([arguments.html], inputs)
    saved = load_plan(
        read_document(arguments.plan, limit_bytes=MAX_PLAN_BYTES), file=arguments.plan
    )
    document = saved.document
    file = document.configuration.file
    configuration, findings = load_configuration(saved.configuration, file=file)
    if configuration is None:
        raise DesiredStateError(findings)
    snapshot = read_host(arguments)
    if snapshot.name != document.host.name:
        raise UsageError(
            f"{arguments.plan} is a plan for host {document.host.name}, not {snapshot.name}",
            "run this on its host, or name its snapshot with --host",
        )
    goal = Goal(
        configuration=configuration, findings=findings, narrowed_to=tuple(document.narrowed_to)
    )
    plan = plan_host(goal, snapshot)
    _check_fresh(saved.actions, plan.actions)
    facts = gather_facts(snapshot)
    placement = place(configuration, facts, named=goal.narrowed_to)
    drawn = draw(facts, placement, plan, has_after=True)
    origin = Origin(
        plan_file=arguments.plan,
        plan_digest=document.digest,
        configuration_digest=document.configuration.digest,
        planned_by=document.kvmrt_version,
        format_version=document.format_version,
    )
    maps = drawn.maps("auto", above=REPORT_FOLDS_ABOVE)
    write_document(arguments.html, render_report(plan, maps, origin))
    return 0


def _check_fresh(saved: Iterable[Action], now: Iterable[Action]) -> None:
    """The same changes of the same values, in the same order."""
    then = {action.change.address: action for action in saved}
    today = {action.change.address: action for action in now}
    differing = tuple(
        address
        for address in sorted({*then, *today})
        if _essence(then.get(address)) != _essence(today.get(address))
    )
    if differing:
        raise StalePlanError(differing)


def _essence(action: Action | None) -> tuple[object, ...]:
    if action is None:
        return ()
    change = action.change
    return action.number, change.before, change.after, change.running, change.activation

# SPDX-License-Identifier: Apache-2.0
"""`kvmrt apply`: perform a plan, prove it, or leave the host as it was."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.apply.history import APPLY
from kvmrt_plan.apply.recover import recover
from kvmrt_plan.apply.run import (
    Proof,
    Site,
    Status,
    Terms,
    apply_steps,
    check_freshness,
    split_actions,
)
from kvmrt_plan.changes.change import Disturbance
from kvmrt_plan.cli.configuration import read_configuration
from kvmrt_plan.cli.confirm import perform_unconfirmed, refuse_unconfirmed
from kvmrt_plan.cli.probes import failed_probes, passing_probes
from kvmrt_plan.cli.progress import plain_progress, show_progress
from kvmrt_plan.cli.site import location_of, new_header
from kvmrt_plan.cli.terminal import wants_colour, width_of
from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.errors import DesiredStateError, UsageError
from kvmrt_plan.hosts.files import read_document
from kvmrt_plan.hosts.site import OpenSite, open_site
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.plan.document import document_digest, plan_document
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.views.plan_text import render_plan

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.apply.run import Result
    from kvmrt_plan.apply.step import Outcome, Step
    from kvmrt_plan.cli.progress import Progress
    from kvmrt_plan.desired.model import Probe
    from kvmrt_plan.plan.action import Action, Plan

EXIT_CODES = {Status.NOTHING: 0, Status.APPLIED: 0, Status.REVERTED: 4, Status.INCOMPLETE: 5}
EXIT_STALE = 3
#: What it means when a command has no such option.
_ABSENT_OPTIONS = {
    "allow": None, "confirm": None, "dry_run": False, "json": False, "keep": False, "yes": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an apply performs, and against what it is proven."""

    actions: tuple[Action, ...]
    goal: Goal
    digest: str
    host: str
    holders: tuple[str, ...]
    #: The file it comes from: a saved plan, or a configuration.
    file: str


def run(arguments: argparse.Namespace) -> int:
    """Apply a saved plan, or plan, ask and apply."""
    saved = _saved_plan_path(arguments)
    if saved:
        return _apply(arguments, _saved_work(saved), None)
    return apply_goal(arguments, *_goal(arguments))


def apply_goal(arguments: argparse.Namespace, goal: Goal, content: bytes) -> int:
    """Plan for the goal, show the plan, ask and apply; `content` is the configuration's file.

    For commands that apply without having all of apply's options.
    """
    for name, value in _ABSENT_OPTIONS.items():
        if not hasattr(arguments, name):
            setattr(arguments, name, value)
    return _apply(arguments, None, (goal, content))


def _apply(
    arguments: argparse.Namespace, work: Work | None, goal: tuple[Goal, bytes] | None
) -> int:
    with open_site(
        location_of(arguments),
        purpose="kvmrt apply",
        lock_timeout_seconds=arguments.lock_timeout,
    ) as opened:
        progress = plain_progress(is_json=arguments.json)
        site = site_of(opened)
        recovery = recover(opened.host, opened.state, opened.volatile, boot_id=opened.boot_id)
        if recovery is not None:
            progress.recovered(recovery)
        refuse_unconfirmed(site)
        if work is None:
            assert goal is not None, "without a saved plan there is a configuration"
            plan = plan_host(goal[0], opened.host.capture())
            if not arguments.json:
                sys.stdout.write(render(plan))
            if plan.is_errored:
                return 1
            work = _planned_work(plan, *goal)
            _ask(arguments, plan)
        _check_host(work, opened)
        return _perform(arguments, site, work, progress)


def _perform(arguments: argparse.Namespace, site: Site, work: Work, plain: Progress) -> int:
    allowed = frozenset(Disturbance(one) for one in arguments.allow or ())
    steps, waiting = split_actions(work.actions, allowed)
    if arguments.dry_run:
        return _dry_run(site, work, [*steps, *waiting])
    header = new_header(
        purpose=APPLY,
        plan_digest=work.digest,
        host=work.host,
        boot_id=site.boot_id,
        holders=work.holders,
    )
    by_number = {action.number: action for action in work.actions}
    with show_progress(len(work.actions), plain) as progress:

        def report(step: Step, outcome: Outcome, cause: str) -> None:
            progress.step(by_number[step.number], outcome, cause)

        counted = passing_probes(arguments, work, progress) if steps else ()
        terms = Terms(
            allowed=allowed,
            keeps_unproven=arguments.keep,
            report=report,
            prove=lambda excused: prove(site, work.goal, excused, counted),
        )

        def perform() -> Result:
            return apply_steps(site, header, steps, waiting, terms)

        if arguments.confirm is None or not steps:
            result = perform()
        else:
            result = perform_unconfirmed(arguments, site, header.id, perform)
        code = exit_code(result)
        progress.ended(result, code)
        if arguments.confirm is not None and result.status is Status.APPLIED:
            progress.waits(header.id, arguments.confirm)
    return code


def _dry_run(site: Site, work: Work, steps: list[Step]) -> int:
    """Every check, no write."""
    is_left = check_freshness(site.host, steps)
    text = (
        f"would make {len(steps)} changes; every value is as planned"
        if is_left
        else "nothing to do"
    )
    sys.stdout.write(f"dry run of {work.digest[:12]}: {text}\n")
    return 0


def exit_code(result: Result) -> int:
    """See docs/architecture.md. A run that found a changed value before it had written is stale."""
    if result.status is Status.REVERTED and result.is_stale:
        return EXIT_STALE
    if result.differs:
        return EXIT_CODES[Status.INCOMPLETE]
    return EXIT_CODES[result.status]


def prove(
    site: Site, goal: Goal, excused: frozenset[str], counted: tuple[Probe, ...] = ()
) -> Proof:
    """Facts again, plan again: whatever is left is not as planned. Then the probes again."""
    plan = plan_host(goal, site.host.capture())
    if plan.is_errored:
        return Proof(
            remaining=tuple(one.summary for one in plan.findings if one.severity == "error")
        )
    changes = (action.change for action in plan.actions if action.change.address not in excused)
    remaining = tuple(f"{one.address} is {one.before} and should be {one.after}" for one in changes)
    return Proof(
        remaining=remaining,
        failed_probes=() if remaining else failed_probes(counted),
        pending=plan.pending,
    )


def _goal(arguments: argparse.Namespace) -> tuple[Goal, bytes]:
    configuration = read_configuration(arguments)
    goal = Goal(
        configuration=configuration.value,
        findings=configuration.findings,
        narrowed_to=tuple(sorted(set(arguments.vms))),
        released=tuple(sorted(set(arguments.release))),
        is_strict=arguments.strict,
    )
    return goal, configuration.content


def _planned_work(plan: Plan, goal: Goal, content: bytes) -> Work:
    return Work(
        actions=plan.actions,
        goal=goal,
        digest=document_digest(plan_document(plan, configuration=content)),
        host=plan.host.name,
        holders=plan.holders,
        file=goal.configuration.file,
    )


def _saved_plan_path(arguments: argparse.Namespace) -> str | None:
    """The one argument that is a file, when no configuration is named."""
    if arguments.file is None and len(arguments.vms) == 1 and os.path.isfile(arguments.vms[0]):
        return str(arguments.vms[0])
    return None


def _saved_work(path: str) -> Work:
    # pydantic, for checking what may come from anywhere, takes 170 ms to load.
    from kvmrt_plan.plan.saved import MAX_PLAN_BYTES, load_plan

    saved = load_plan(read_document(path, limit_bytes=MAX_PLAN_BYTES), file=path)
    document = saved.document
    file = document.configuration.file
    configuration, findings = load_configuration(saved.configuration, file=file)
    if configuration is None:
        raise DesiredStateError(findings)
    return Work(
        actions=saved.actions,
        goal=Goal(configuration=configuration, findings=findings, narrowed_to=document.narrowed_to),
        digest=document.digest,
        host=document.host.name,
        holders=document.holders,
        file=path,
    )


def _check_host(work: Work, opened: OpenSite) -> None:
    name = opened.host.name
    if name != work.host:
        raise UsageError(
            f"the plan was made for host {work.host}, this is {name}",
            "apply it there, or plan for this host",
        )


def _ask(arguments: argparse.Namespace, plan: Plan) -> None:
    """Consent: --yes, or an answer at the terminal; nothing to ask without changes."""
    if arguments.yes or arguments.dry_run or not plan.actions:
        return
    if not sys.stdin.isatty() or arguments.json:
        raise UsageError(
            "there is no terminal to ask at", "use --yes, or save the plan and apply that"
        )
    sys.stdout.write(f"\nApply these {len(plan.actions)} changes? Only 'yes' goes on: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != "yes":
        raise UsageError("nothing was changed", "answer yes to apply")


def render(plan: Plan) -> str:
    """The plan for standard output."""
    return render_plan(plan, width=width_of(sys.stdout), is_coloured=wants_colour(sys.stdout))


def site_of(opened: OpenSite) -> Site:
    """What the engine works on."""
    return Site(
        host=opened.host, state=opened.state, volatile=opened.volatile, boot_id=opened.boot_id
    )

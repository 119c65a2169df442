# SPDX-License-Identifier: Apache-2.0
"""`kvmrt apply`: perform a plan, prove it, or leave the host as it was."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from kvmrt_plan.apply.journal import APPLY, read_journal
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
from kvmrt_plan.changes.change import Activation, Disturbance
from kvmrt_plan.cli.configuration import read_configuration
from kvmrt_plan.cli.confirm import perform_unconfirmed, refuse_unconfirmed
from kvmrt_plan.cli.interrupted import taken_back
from kvmrt_plan.cli.main import error_code
from kvmrt_plan.cli.probes import passing_probes
from kvmrt_plan.cli.progress import plain_progress, show_progress
from kvmrt_plan.cli.proof import prove
from kvmrt_plan.cli.site import location_of, new_header
from kvmrt_plan.cli.terminal import wants_colour, width_of
from kvmrt_plan.cli.work import Work, planned_work, saved_plan_path, saved_work
from kvmrt_plan.errors import KvmrtError, UsageError
from kvmrt_plan.hosts.site import OpenSite, look_at, open_site
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.views.plan_text import render_plan

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from kvmrt_plan.apply.run import Result
    from kvmrt_plan.apply.step import Outcome, Step
    from kvmrt_plan.changes.change import Pending
    from kvmrt_plan.cli.progress import Progress
    from kvmrt_plan.plan.action import Plan

EXIT_CODES = {Status.NOTHING: 0, Status.APPLIED: 0, Status.REVERTED: 4, Status.INCOMPLETE: 5}
EXIT_STALE = 3
#: Done, and something waits for a boot.
EXIT_REBOOT = 7
#: The class of --allow that is no disturbance of a step: it acts after the last of them.
RESTART = "guest-restart"
#: What it means when a command has no such option.
_ABSENT_OPTIONS = {
    "allow": None, "confirm": None, "dry_run": False, "json": False, "keep": False, "yes": False,
}  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Apply a saved plan, or plan, ask and apply."""
    saved = saved_plan_path(arguments)
    if saved:
        return _apply(arguments, saved_work(saved), None)
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
    progress = plain_progress(is_json=arguments.json)
    try:
        if goal is not None and not (arguments.yes or arguments.dry_run):
            work = _asked_work(arguments, *goal, progress)
            if work is None:
                return 1
        with _opened(arguments, progress) as opened:
            if work is not None:
                _check_host(work, opened)
            return _apply_to(arguments, opened, work or goal, progress)
    except KvmrtError as error:
        progress.refused(error, error_code(error))
        raise


@contextmanager
def _opened(arguments: argparse.Namespace, progress: Progress) -> Iterator[OpenSite]:
    """The host under the lock, recovered, and with no run that waits to be confirmed."""
    with open_site(
        location_of(arguments),
        purpose="kvmrt apply",
        lock_timeout_seconds=arguments.lock_timeout,
    ) as opened:
        _recover(arguments, opened, progress)
        refuse_unconfirmed(site_of(opened))
        yield opened


def _asked_work(
    arguments: argparse.Namespace, goal: Goal, content: bytes, progress: Progress
) -> Work | None:
    """Plan, show and ask, without holding the lock while somebody thinks; None when the plan has errors.

    Whatever happens to the host meanwhile is found as with a plan that was saved: each value is compared
    with the plan before the first write.
    """
    with _opened(arguments, progress):
        pass
    plan = plan_host(goal, look_at(location_of(arguments)))
    _show(arguments, plan)
    if plan.is_errored:
        return None
    _ask(arguments, plan)
    return planned_work(plan, goal, content)


def _show(arguments: argparse.Namespace, plan: Plan) -> None:
    if not arguments.json:
        sys.stdout.write(render(plan))


def _recover(arguments: argparse.Namespace, opened: OpenSite, progress: Progress) -> None:
    """Finish what an earlier run left behind; a dry run only says that there is something."""
    if arguments.dry_run:
        if read_journal(opened.state) is not None:
            raise UsageError(
                "a run was interrupted, and its host is between old and new", "run `kvmrt recover`"
            )
        return
    recovery = recover(opened.host, opened.state, opened.volatile, boot_id=opened.boot_id)
    if recovery is not None:
        progress.recovered(recovery)


def _apply_to(
    arguments: argparse.Namespace,
    opened: OpenSite,
    asked: Work | tuple[Goal, bytes] | None,
    progress: Progress,
) -> int:
    site = site_of(opened)
    if not isinstance(asked, Work):
        assert asked is not None, "without a saved plan there is a configuration"
        plan = plan_host(asked[0], opened.host.capture())
        _show(arguments, plan)
        if plan.is_errored:
            return 1
        asked = planned_work(plan, *asked)
    with taken_back(site, progress):
        return _perform(arguments, site, asked, progress)


def _perform(arguments: argparse.Namespace, site: Site, work: Work, plain: Progress) -> int:
    allowed = frozenset(Disturbance(one) for one in arguments.allow or () if one != RESTART)
    steps, waiting = split_actions(work.actions, allowed)
    if arguments.dry_run:
        return _dry_run(arguments, site, work, (steps, waiting))
    header_of = partial(
        new_header,
        plan_digest=work.digest,
        host=work.host,
        boot_id=site.boot_id,
        holders=work.holders,
    )
    header = header_of(purpose=APPLY)
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
        if result.status is Status.NOTHING:
            result.proof = Proof(pending=_pending(site, work))
        code = exit_code(result)
        if code == 0 and waits_for_boot(result):
            code = EXIT_REBOOT
        progress.ended(result, code)
        if arguments.confirm is not None and result.status is Status.APPLIED:
            progress.waits(header.id, arguments.confirm)
        if code in (0, EXIT_REBOOT) and RESTART in (arguments.allow or ()):
            from kvmrt_plan.cli.restart import restart_waiting

            code = restart_waiting(site, work.goal, header_of, progress) or code
    return code


def _pending(site: Site, work: Work) -> tuple[Pending, ...]:
    if work.pending is not None:
        return work.pending
    return plan_host(work.goal, site.host.capture()).pending


def _dry_run(
    arguments: argparse.Namespace, site: Site, work: Work, parts: tuple[list[Step], list[Step]]
) -> int:
    """Every check, no write."""
    steps, waiting = parts
    left = check_freshness(site.host, [*steps, *waiting])
    made = sum(step.number in left for step in steps)
    held_back = sum(step.number in left for step in waiting)
    if arguments.json:
        event = {"type": "dry-run", "plan": work.digest, "steps": made, "waiting": held_back}
        sys.stdout.write(json.dumps(event) + "\n")
        return 0
    text = f"would make {made} changes; every value is as planned" if made else "nothing to do"
    if held_back:
        text += f"; {held_back} wait for --allow"
    sys.stdout.write(f"dry run of {work.digest[:12]}: {text}\n")
    return 0


def exit_code(result: Result) -> int:
    """See docs/architecture.md. A run that found a changed value before it had written is stale."""
    if result.status is Status.REVERTED and result.is_stale:
        return EXIT_STALE
    if result.differs:
        return EXIT_CODES[Status.INCOMPLETE]
    return EXIT_CODES[result.status]


def waits_for_boot(result: Result) -> bool:
    """Whether something that is written takes effect no sooner than at the next boot."""
    pending = result.proof.pending if result.proof is not None else ()
    return any(one.activation is Activation.NEXT_BOOT for one in pending)


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


def _check_host(work: Work, opened: OpenSite) -> None:
    name = opened.host.name
    if name != work.host:
        raise UsageError(
            f"the plan was made for host {work.host}, this is {name}",
            "apply it there, or plan for this host",
        )


def _ask(arguments: argparse.Namespace, plan: Plan) -> None:
    """Consent: --yes, or an answer at the terminal; nothing to ask without changes."""
    if not plan.actions:
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

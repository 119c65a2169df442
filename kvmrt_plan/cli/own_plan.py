# SPDX-License-Identifier: Apache-2.0
"""Commands with a plan of their own: make it, show it, ask, and apply it as any other."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kvmrt_plan.apply.journal import APPLY
from kvmrt_plan.apply.recover import recover
from kvmrt_plan.apply.run import Proof, Terms, apply_steps
from kvmrt_plan.apply.step import step_of
from kvmrt_plan.cli.apply import exit_code, render, site_of
from kvmrt_plan.cli.confirm import refuse_unconfirmed
from kvmrt_plan.cli.interrupted import taken_back
from kvmrt_plan.cli.progress import plain_progress
from kvmrt_plan.cli.site import location_of, new_header
from kvmrt_plan.errors import UsageError
from kvmrt_plan.hosts.site import open_site
from kvmrt_plan.plan.document import document_digest, plan_document

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from kvmrt_plan.apply.run import Site
    from kvmrt_plan.plan.action import Plan


def apply_own_plan(
    arguments: argparse.Namespace, purpose: str, make: Callable[[Site], Plan]
) -> int:
    """Plan, show, ask and apply.

    Args:
        arguments: with those of `add_changed_host` and `add_consent`, and `dry_run`.
        purpose: the command, for whoever waits for the lock.
        make: makes the plan from the host; called again for the proof.
    """
    with _opened(arguments, purpose) as site:
        plan = make(site)
        sys.stdout.write(render(plan))
        if plan.is_errored:
            return 1
        if arguments.dry_run or not plan.actions:
            return 0
        if arguments.yes:
            return _perform(site, plan, make)
    # Nobody may wait for an answer with the lock in hand. What changes meanwhile is found: each value is
    # compared with the plan before the first write.
    _ask()
    with _opened(arguments, purpose) as site:
        return _perform(site, plan, make)


@contextmanager
def _opened(arguments: argparse.Namespace, purpose: str) -> Iterator[Site]:
    """The host under the lock, with nothing of an earlier run left."""
    with open_site(
        location_of(arguments), purpose=purpose, lock_timeout_seconds=arguments.lock_timeout
    ) as opened:
        site = site_of(opened)
        if not arguments.dry_run:
            recovery = recover(site.host, site.state, site.volatile, boot_id=site.boot_id)
            if recovery is not None:
                plain_progress(is_json=False).recovered(recovery)
            refuse_unconfirmed(site)
        yield site


def _perform(site: Site, plan: Plan, make: Callable[[Site], Plan]) -> int:
    by_number = {action.number: action for action in plan.actions}
    progress = plain_progress(is_json=False)

    def prove(_excused: frozenset[str]) -> Proof:
        left = make(site).actions
        return Proof(remaining=tuple(f"{one.change.address} is not as planned" for one in left))

    header = new_header(
        purpose=APPLY,
        plan_digest=document_digest(plan_document(plan, configuration=b"")),
        host=plan.host.name,
        boot_id=site.boot_id,
        holders=plan.holders,
    )
    terms = Terms(
        report=lambda step, outcome, cause: progress.step(by_number[step.number], outcome, cause),
        prove=prove,
    )
    with taken_back(site, progress):
        result = apply_steps(site, header, [step_of(one) for one in plan.actions], [], terms)
    code = exit_code(result)
    progress.ended(result, code)
    return code


def _ask() -> None:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at", "use --yes")
    sys.stdout.write("\nMake these changes? Only 'yes' goes on: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != "yes":
        raise UsageError("nothing was changed", "answer yes to go on")

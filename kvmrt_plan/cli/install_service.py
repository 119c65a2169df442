# SPDX-License-Identifier: Apache-2.0
"""`kvmrt install-service`: kvmrt.service, installed or removed as a plan."""

from __future__ import annotations

import os
import shutil
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
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hosts.site import open_site
from kvmrt_plan.plan.action import PlannedHost
from kvmrt_plan.plan.document import document_digest, plan_document
from kvmrt_plan.plan.service import PATH, UNIT, plan_service, unit_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from kvmrt_plan.apply.run import Site
    from kvmrt_plan.plan.action import Plan


def run(arguments: argparse.Namespace) -> int:
    """Plan, ask, apply."""
    wanted = None if arguments.remove else _text(arguments)
    with _opened(arguments) as site:
        plan = _plan(site, wanted)
        sys.stdout.write(render(plan))
        if arguments.dry_run or not plan.actions:
            return 0
        if arguments.yes:
            return _perform(site, plan, wanted)
    # Nobody may wait for an answer with the lock in hand. What changes meanwhile is found: each value is
    # compared with the plan before the first write.
    _ask()
    with _opened(arguments) as site:
        return _perform(site, plan, wanted)


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[Site]:
    """The host under the lock, with nothing of an earlier run left."""
    with open_site(
        location_of(arguments),
        purpose="kvmrt install-service",
        lock_timeout_seconds=arguments.lock_timeout,
    ) as opened:
        site = site_of(opened)
        if not arguments.dry_run:
            recovery = recover(site.host, site.state, site.volatile, boot_id=site.boot_id)
            if recovery is not None:
                plain_progress(is_json=False).recovered(recovery)
            refuse_unconfirmed(site)
        yield site


def _text(arguments: argparse.Namespace) -> str:
    file = arguments.file
    program = arguments.program or _this_program()
    for path in (program, file or "/"):
        if not os.path.isabs(path) or not path.isprintable():
            raise UsageError(
                f"{path!r} is no absolute path that a unit can hold", "name it from the root on"
            )
    return unit_text(program=program, configuration=file)


def _this_program() -> str:
    """The kvmrt that runs now, as it can be called again at boot."""
    found = shutil.which(sys.argv[0]) or shutil.which("kvmrt")
    if found is None or os.path.basename(found) != "kvmrt":
        raise UsageError("it is not clear which kvmrt the service should run", "name it: --program")
    return os.path.abspath(found)


def _plan(site: Site, wanted: str | None) -> Plan:
    facts = gather_facts(site.host.capture())
    host = PlannedHost(
        name=facts.name,
        captured=facts.captured,
        kernel=facts.kernel.release,
        boot_id=facts.kernel.boot_id,
    )
    return plan_service(
        host,
        now=site.host.read_file(PATH),
        is_enabled=site.host.is_enabled(UNIT),
        wanted=wanted,
        holders=tuple(sorted(map(str, facts.holders))),
    )


def _perform(site: Site, plan: Plan, wanted: str | None) -> int:
    by_number = {action.number: action for action in plan.actions}
    progress = plain_progress(is_json=False)

    def prove(_excused: frozenset[str]) -> Proof:
        left = _plan(site, wanted).actions
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

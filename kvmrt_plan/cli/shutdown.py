# SPDX-License-Identifier: Apache-2.0
"""`kvmrt shutdown`: guests go off by their power button, then what they held is given back.

A guest that does not go off keeps its policies: taking the CPUs of a running real-time guest away would
be worse than leaving them. Interrupted, the policies of those that are off are released, or the next run
does it.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.apply.guests import Stopping, stop_guests
from kvmrt_plan.apply.journal import STOP
from kvmrt_plan.apply.step import step_of
from kvmrt_plan.apply.unfinished import clear_unfinished
from kvmrt_plan.changes.change import Change
from kvmrt_plan.changes.domain_state import state_changes
from kvmrt_plan.cli.apply import render
from kvmrt_plan.cli.configuration import read_configuration
from kvmrt_plan.cli.guest_run import CLOCK, GuestRun, open_guest_run, recover_site
from kvmrt_plan.cli.interrupted import cause_of
from kvmrt_plan.hosts.signals import undisturbed
from kvmrt_plan.plan.action import Action

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.plan.action import Plan

SHUTDOWN = "shutdown"
EXIT_FAILED, EXIT_INCOMPLETE, EXIT_INTERRUPTED = 1, 5, 130


def run(arguments: argparse.Namespace) -> int:
    """Shut down the VMs that are named, or all of the configuration."""
    configuration = read_configuration(arguments)
    chosen = set(arguments.vms)
    names = [vm.name for vm in configuration.value.vms if not chosen or vm.name in chosen]
    with open_guest_run(arguments, configuration, purpose=SHUTDOWN) as run:
        if not arguments.dry_run:
            recover_site(run.site, run.progress)
        return stop_and_release(arguments, run, names)


def stop_and_release(arguments: argparse.Namespace, run: GuestRun, names: list[str]) -> int:
    """Guests first, then what those that are off have held."""
    actions = _stops(run, names)
    plan = run.plan(
        replace(run.goal(names), stopped=tuple(names), released=tuple(names), has_definitions=False)
    )
    if arguments.dry_run:
        if not run.is_json:
            sys.stdout.write(render(plan))
        return EXIT_FAILED if plan.is_errored else 0
    try:
        run.begin(SHUTDOWN, names)
        failed = _stop(arguments, run, plan, actions) if actions else {}
        code = _release(run, names)
    except (KeyboardInterrupt, OSError) as error:
        with undisturbed():
            return _broken_off(run, names, error)
    clear_unfinished(run.site.volatile)
    return _report(run, names, failed, code)


def _broken_off(run: GuestRun, names: list[str], error: KeyboardInterrupt | OSError) -> int:
    """Release what guests that are off have held, then say of each VM how it is now."""
    is_whole = recover_site(run.site, run.progress)
    if not isinstance(error, KeyboardInterrupt):
        raise error
    run.say(f"{cause_of(error)}: what guests that are off held is released")
    off = run.off(names)
    failed = {name: "interrupted before it was off" for name in names if name not in off}
    return _report(run, names, failed, EXIT_INTERRUPTED if is_whole else EXIT_INCOMPLETE)


def _stops(run: GuestRun, names: list[str]) -> list[Action]:
    """One action per guest that runs; planned apart from the policies, since a guest can be shut down
    whatever is wrong with the configuration.
    """
    considered = state_changes(run.configuration, run.facts(), stopped=tuple(names))
    changes = [one for one in considered if isinstance(one, Change)]
    return [Action(number=number, change=change) for number, change in enumerate(changes, start=1)]


def _stop(
    arguments: argparse.Namespace, run: GuestRun, plan: Plan, actions: list[Action]
) -> dict[str, str]:
    """Why guests are still there, by name."""
    names = {str(vm.uuid): vm.name for vm in run.configuration.vms}
    run.say(f"shutting down {', '.join(names[one.change.owner] for one in actions)}")
    powered = stop_guests(
        run.site,
        # The policies that are in force now stay so until they are released.
        replace(run.header(STOP, plan), holders=_holders(run)),
        [step_of(action) for action in actions],
        Stopping(clock=CLOCK, timeout_seconds=arguments.timeout, is_forced=arguments.force),
    )
    for action in actions:
        cause = powered.causes.get(action.number, "")
        run.progress.step(action, powered.outcomes[action.number], cause)
    return {
        names[action.change.owner]: powered.causes[action.number]
        for action in actions
        if action.number in powered.causes
    }


def _holders(run: GuestRun) -> tuple[str, ...]:
    return tuple(sorted(map(str, run.facts().holders)))


def _release(run: GuestRun, names: list[str]) -> int:
    off = run.off(names)
    if not off:
        return 0
    result = run.release(off)
    if result is None:
        return EXIT_FAILED
    return EXIT_INCOMPLETE if result.failure else 0


def _report(run: GuestRun, names: list[str], failed: dict[str, str], code: int) -> int:
    for name in names:
        run.say(f"{name}: STILL RUNS: {failed[name]}" if name in failed else f"{name}: is off")
    code = code or (EXIT_FAILED if failed else 0)
    off = [name for name in names if name not in failed]
    run.tell({"type": "result", "exit_code": code, "off": off, "failed": failed})
    return code

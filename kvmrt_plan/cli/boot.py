# SPDX-License-Identifier: Apache-2.0
"""`kvmrt boot`: host policies and definitions first, then the guests, then proof of their threads.

Nothing starts before its CPUs are cleared. A VM that fails holds back no other, and what the host did for
it is given back. Interrupted in any phase, guests that run go on running under their policies and those
of the others are released.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.apply.guests import Starting, start_guests
from kvmrt_plan.apply.journal import START
from kvmrt_plan.apply.run import Status
from kvmrt_plan.apply.step import Outcome, step_of
from kvmrt_plan.apply.unfinished import clear_unfinished
from kvmrt_plan.changes.change import Disturbance, Kind
from kvmrt_plan.changes.guest_threads import thread_states
from kvmrt_plan.cli.apply import exit_code, render
from kvmrt_plan.cli.boot_outcomes import EXIT_FAILED, Outcomes, report_boot, tell_boot
from kvmrt_plan.cli.configuration import read_configuration
from kvmrt_plan.cli.guest_run import CLOCK, GuestRun, open_guest_run, recover_site
from kvmrt_plan.cli.interrupted import cause_of
from kvmrt_plan.errors import UsageError
from kvmrt_plan.hosts.signals import undisturbed
from kvmrt_plan.placement.place import place
from kvmrt_plan.views.plan_text import summary_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.plan.action import Action, Plan

BOOT = "boot"
#: What a guest brings with it when it starts.
_WITH_GUEST = frozenset(
    {
        Kind.KERNEL_THREAD,
        Kind.KERNEL_THREAD_CPUS,
        Kind.DOMAIN_LIVE_PIN,
        Kind.GUEST_THREAD,
        Kind.IRQ_AFFINITY,
        Kind.NET_QUEUE,
    }
)
EXIT_INCOMPLETE, EXIT_INTERRUPTED = 5, 130


def run(arguments: argparse.Namespace) -> int:
    """Boot the VMs that are named, or those that start by themselves."""
    configuration = read_configuration(arguments)
    chosen = set(arguments.vms)
    names = [
        vm.name for vm in configuration.value.vms if (vm.name in chosen if chosen else vm.autostart)
    ]
    if not names:
        sys.stdout.write("nothing to boot: no VM has autostart on\n")
        return 0
    agreed = None
    if arguments.ask and not arguments.dry_run:
        # Nobody may wait for an answer with the lock in hand.
        with open_guest_run(arguments, configuration, purpose=BOOT) as run:
            recover_site(run.site, run.progress, but=names)
            agreed = _plan_shown(arguments, run, names)
        if agreed is None:
            return EXIT_FAILED
        _ask(agreed)
    with open_guest_run(arguments, configuration, purpose=BOOT) as run:
        if not arguments.dry_run:
            recover_site(run.site, run.progress, but=names)
        return boot_guests(arguments, run, names, agreed)


def boot_guests(
    arguments: argparse.Namespace, run: GuestRun, names: list[str], agreed: Plan | None = None
) -> int:
    """Plan, show, do; interrupted, what no guest needs is released before it returns. `agreed` is the plan
    that was shown and consented to.
    """
    outcomes = Outcomes()
    _skip_present(run, names, outcomes)
    if agreed is None:
        plan = _plan_shown(arguments, run, names)
        if plan is None or arguments.dry_run:
            return EXIT_FAILED if plan is None else 0
    elif _steps(agreed) != _steps(_plan(run, names)):
        raise UsageError(
            "the host changed while you were asked; nothing was changed", "look at the new plan"
        )
    try:
        run.begin(BOOT, names)
        _boot_all(arguments, run, names, outcomes)
    except (KeyboardInterrupt, OSError) as error:
        with undisturbed():
            return _broken_off(run, names, outcomes, error)
    clear_unfinished(run.site.volatile)
    return report_boot(run, outcomes)


def _plan(run: GuestRun, names: list[str]) -> Plan:
    return run.plan(replace(run.goal(names), started=tuple(names)))


def _steps(plan: Plan) -> list[Step]:
    return [step_of(action) for action in plan.actions]


def _plan_shown(arguments: argparse.Namespace, run: GuestRun, names: list[str]) -> Plan | None:
    """The plan, after showing it; None when its findings forbid it."""
    plan = _plan(run, names)
    if plan.is_errored:
        run.show_findings(plan.findings)
        return None
    _show(arguments, run, plan)
    return plan


def _broken_off(
    run: GuestRun, names: list[str], outcomes: Outcomes, error: KeyboardInterrupt | OSError
) -> int:
    """Release what no guest needs, then say of each VM how it is now."""
    is_whole = recover_site(run.site, run.progress)
    if not isinstance(error, KeyboardInterrupt):
        raise error
    run.say(f"{cause_of(error)}: guests that run go on running")
    off = set(run.off(names))
    for name in names:
        run.say(f"{name}: is off, and holds nothing" if name in off else f"{name}: runs")
    code = EXIT_INTERRUPTED if is_whole else EXIT_INCOMPLETE
    outcomes.started = [name for name in names if name not in off | set(outcomes.running)]
    outcomes.failed.update(dict.fromkeys(off, "interrupted"))
    tell_boot(run, outcomes, code)
    return code


def _boot_all(
    arguments: argparse.Namespace, run: GuestRun, names: list[str], outcomes: Outcomes
) -> None:
    """Policies and definitions, then the guests, then their threads; what fails is released."""
    allowed = frozenset(Disturbance(one) for one in arguments.allow or ())
    plan = _prepare(run, names, outcomes, allowed)
    if plan is not None:
        _start(arguments, run, plan, outcomes)
    failed = [name for name in run.off(outcomes.failed) if name not in outcomes.running]
    if failed:
        result = run.release(failed)
        if result is None or result.failure:
            outcomes.code = 5
    if outcomes.started:
        _settle_threads(run, outcomes)


def _skip_present(run: GuestRun, names: Iterable[str], outcomes: Outcomes) -> None:
    """A VM that has a process is not started again, whatever state it is in."""
    domains = run.facts().domains
    for vm in run.configuration.vms:
        domain = domains.get(vm.uuid)
        if vm.name not in names or domain is None or not domain.is_running:
            continue
        outcomes.running.append(vm.name)
        if domain.state != "running":
            outcomes.failed[vm.name] = f"it is {domain.state}: resume it or wait until it is off"


def _prepare(
    run: GuestRun, names: list[str], outcomes: Outcomes, allowed: frozenset[Disturbance]
) -> Plan | None:
    """Everything but the starts. A definition that libvirt refuses fails its VM, and the rest is planned
    again without it; None when nothing may start.
    """
    left = [name for name in names if name not in outcomes.failed or name in outcomes.running]
    while left:
        goal = replace(run.goal(left), started=tuple(left))
        plan = run.plan(goal)
        if plan.is_errored:
            run.show_findings(plan.findings)
            outcomes.code = EXIT_FAILED
            return None
        actions = [one for one in plan.actions if one.change.kind is not Kind.DOMAIN_STATE]
        result = run.perform(
            replace(goal, started=()), plan, actions, purpose=BOOT, allowed=allowed
        )
        if result.status in (Status.APPLIED, Status.NOTHING):
            return plan
        culprit = _culprit(run, actions, result.outcomes)
        if culprit is None or result.status is Status.INCOMPLETE:
            run.say(f"nothing was started: {result.failure}", *result.differs)
            outcomes.code = exit_code(result)
            return None
        outcomes.failed[culprit] = result.failure
        left.remove(culprit)
    return None


def _culprit(run: GuestRun, actions: Sequence[Action], results: dict[int, Outcome]) -> str | None:
    """The VM whose definition was refused; None when the host itself refused."""
    for action in actions:
        if results.get(action.number) is Outcome.FAILED and action.change.owner:
            return next(
                vm.name for vm in run.configuration.vms if str(vm.uuid) == action.change.owner
            )
    return None


def _start(arguments: argparse.Namespace, run: GuestRun, plan: Plan, outcomes: Outcomes) -> None:
    """In the order of the configuration."""
    order = {str(vm.uuid): place for place, vm in enumerate(run.configuration.vms)}
    names = {str(vm.uuid): vm.name for vm in run.configuration.vms}
    actions = [one for one in plan.actions if one.change.kind is Kind.DOMAIN_STATE]
    actions.sort(key=lambda one: order[one.change.owner])
    if not actions:
        return
    powered = start_guests(
        run.site,
        run.header(START, plan),
        [step_of(action) for action in actions],
        Starting(clock=CLOCK, each=_at_once(arguments.parallel), batch=arguments.parallel),
    )
    for action in actions:
        cause = powered.causes.get(action.number, "")
        run.progress.step(action, powered.outcomes[action.number], cause)
        name = names[action.change.owner]
        if cause:
            outcomes.failed[name] = cause
        else:
            outcomes.started.append(name)


def _at_once(count: int) -> Callable[[Callable[[Step], str], Sequence[Step]], Iterable[str]]:
    """Calls up to `count` starts at a time; one after the other needs no threads."""
    if count == 1:
        return map
    # 10 ms of start-up that only --parallel needs.
    from concurrent.futures import ThreadPoolExecutor

    def each(start: Callable[[Step], str], steps: Sequence[Step]) -> Iterable[str]:
        with ThreadPoolExecutor(max_workers=count) as pool:
            return list(pool.map(start, steps))

    return each


def _settle_threads(run: GuestRun, outcomes: Outcomes) -> None:
    """Threads that libvirt did not put where they belong are moved once, and interrupts that came with
    the guest (vfio, its network interfaces); what is left is told.
    """
    goal = run.goal(outcomes.started)
    plan = run.plan(goal)
    pins = [one for one in plan.actions if one.change.kind in _WITH_GUEST]
    if pins:
        run.perform(goal, plan, pins, purpose=BOOT, allowed=frozenset({Disturbance.GUEST}))
    facts = run.facts()
    placement = place(run.configuration, facts, named=outcomes.started)
    for placed in placement.vms:
        domain = facts.domains.get(placed.vm.uuid)
        if placed.vm.name not in outcomes.started or domain is None:
            continue
        if not domain.is_running:
            outcomes.failed[placed.vm.name] = "it went off right after its start"
            continue
        wrong = [
            f"thread {one.thread.tid} {one.thread.name} ({one.role}) is on CPUs "
            f"{one.place} with {one.thread.policy} {one.thread.priority}, wanted "
            f"{one.wanted or 'anywhere'}"
            for one in thread_states(placed, domain, facts.cpus.online)
            if one.deviates
        ]
        if wrong:
            outcomes.deviating[placed.vm.name] = wrong


def _show(arguments: argparse.Namespace, run: GuestRun, plan: Plan) -> None:
    """In full where somebody decides, else in a line; findings always."""
    if run.is_json:
        return
    if arguments.ask or arguments.dry_run:
        sys.stdout.write(render(plan))
        return
    run.say(f"kvmrt boot  host {plan.host.name}  {summary_text(plan)}")
    run.show_findings(plan.findings)


def _ask(plan: Plan) -> None:
    if not plan.actions:
        return
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at", "leave --ask out")
    sys.stdout.write(f"\nMake these {len(plan.actions)} changes? Only 'yes' goes on: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != "yes":
        raise UsageError("nothing was changed", "answer yes to boot")

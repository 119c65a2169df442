# SPDX-License-Identifier: Apache-2.0
"""What boot, shutdown and recover share: plans for some VMs on an open host, performed by the engine."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kvmrt_plan.apply.guests import Clock
from kvmrt_plan.apply.journal import RELEASE
from kvmrt_plan.apply.recover import recover
from kvmrt_plan.apply.run import Status, Terms, apply_steps, split_actions
from kvmrt_plan.apply.unfinished import (
    Unfinished,
    clear_unfinished,
    mark_unfinished,
    read_unfinished,
    unusable,
)
from kvmrt_plan.cli.apply import site_of
from kvmrt_plan.cli.confirm import refuse_unconfirmed
from kvmrt_plan.cli.progress import JsonProgress, plain_progress
from kvmrt_plan.cli.proof import prove
from kvmrt_plan.cli.site import location_of, new_header
from kvmrt_plan.cli.terminal import stderr_painter, width_of
from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.errors import HostError
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hosts.site import open_site
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.plan.document import document_digest, plan_document
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.findings import finding_lines
from kvmrt_plan.views.terminal import fold

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from kvmrt_plan.apply.journal import Header
    from kvmrt_plan.apply.run import Proof, Result, Site
    from kvmrt_plan.changes.change import Disturbance
    from kvmrt_plan.cli.configuration import ReadConfiguration
    from kvmrt_plan.cli.progress import Progress
    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.plan.action import Action, Plan

CLOCK = Clock(now=time.monotonic, sleep=time.sleep)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestRun:
    """An open host and a configuration, and where the outcome goes."""

    site: Site
    configuration: Configuration
    findings: tuple[Finding, ...]
    content: bytes
    progress: Progress

    @property
    def is_json(self) -> bool:
        """Whether what happens is told as events."""
        return isinstance(self.progress, JsonProgress)

    def goal(self, names: Iterable[str]) -> Goal:
        """The state in which these VMs have their policies and definitions."""
        return Goal(
            configuration=self.configuration,
            findings=self.findings,
            narrowed_to=tuple(sorted(set(names))),
        )

    def facts(self) -> HostFacts:
        """The host as it is now.

        Raises:
            HostError: libvirt does not answer; without it no guest starts or stops.
        """
        facts = gather_facts(self.site.host.capture())
        if facts.libvirt_problem:
            raise HostError(
                f"libvirt does not answer: {facts.libvirt_problem}",
                "start libvirtd or virtqemud, or choose it with --connect; nothing was changed",
            )
        return facts

    def plan(self, goal: Goal) -> Plan:
        """What has to change for it."""
        return plan_host(goal, self.site.host.capture())

    def header(self, purpose: str, plan: Plan) -> Header:
        """Of a run that begins now."""
        document = plan_document(plan, configuration=self.content)
        return new_header(
            purpose=purpose,
            plan_digest=document_digest(document),
            host=plan.host.name,
            boot_id=self.site.boot_id,
            holders=plan.holders,
        )

    def perform(
        self,
        goal: Goal,
        plan: Plan,
        actions: Sequence[Action],
        *,
        purpose: str,
        allowed: frozenset[Disturbance] = frozenset(),
    ) -> Result:
        """Make these actions of the plan through the engine: journal, read back, proof.

        Raises:
            StalePlanError: the host is not as planned on; nothing was written.
        """
        by_number = {action.number: action for action in plan.actions}
        planned = {action.change.address for action in actions}

        def proof(excused: frozenset[str]) -> Proof:
            found = prove(self.site, goal, excused)
            # What was not among these actions was not promised.
            kept = (one for one in found.remaining if one.partition(" is ")[0] in planned)
            return replace(found, remaining=tuple(kept))

        terms = Terms(
            allowed=allowed,
            report=lambda step, outcome, cause: self.progress.step(
                by_number[step.number], outcome, cause
            ),
            prove=proof,
        )
        steps, waiting = split_actions(actions, allowed)
        return apply_steps(self.site, self.header(purpose, plan), steps, waiting, terms)

    def release(self, names: Sequence[str]) -> Result | None:
        """Give back what these VMs hold and no other needs; None when findings forbid it."""
        goal = replace(self.goal(names), released=tuple(names), has_definitions=False)
        plan = self.plan(goal)
        if plan.is_errored and not set(plan.holders) - self._uuids(names):
            # A configuration that is wrong says nothing about what others need, but nobody does.
            goal = replace(goal, configuration=replace(self.configuration, vms=()), findings=())
            plan = self.plan(goal)
        if plan.is_errored:
            self.show_findings(plan.findings)
            return None
        result = self.perform(goal, plan, plan.actions, purpose=RELEASE)
        if result.status is Status.INCOMPLETE or result.failure:
            self.say(f"not released: {result.failure}", *(f"left: {one}" for one in result.differs))
        return result

    def _uuids(self, names: Sequence[str]) -> set[str]:
        return {str(vm.uuid) for vm in self.configuration.vms if vm.name in names}

    def begin(self, purpose: str, names: Iterable[str]) -> None:
        """From here on whoever comes after a kill finds what has to be released."""
        unfinished = Unfinished(
            names=tuple(names),
            configuration=self.content,
            file=self.configuration.file,
            purpose=purpose,
        )
        mark_unfinished(self.site.volatile, unfinished)

    def off(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the VMs that have no QEMU process now.

        Raises:
            HostError: libvirt does not answer; whose guest runs is not known then.
        """
        domains = self.facts().domains
        running = {uuid for uuid, domain in domains.items() if domain.is_running}
        wanted = set(names)
        return tuple(
            vm.name for vm in self.configuration.vms if vm.name in wanted and vm.uuid not in running
        )

    def say(self, *lines: str) -> None:
        """Lines for people; nothing in a stream of JSON."""
        if not self.is_json:
            for line in lines:
                folded = fold(escape_text(line), width_of(sys.stdout), indent=4, first=0)
                sys.stdout.write("\n".join(folded) + "\n")
            sys.stdout.flush()

    def tell(self, event: dict[str, Any]) -> None:
        """An event of a stream of JSON; nothing for people."""
        if self.is_json:
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()

    def show_findings(self, findings: Iterable[Finding]) -> None:
        """On standard error."""
        sys.stdout.flush()
        lines = finding_lines(findings, width_of(sys.stderr), stderr_painter())
        sys.stderr.write("".join(f"{line}\n" for line in lines))


@contextmanager
def open_guest_run(
    arguments: argparse.Namespace, configuration: ReadConfiguration, *, purpose: str
) -> Iterator[GuestRun]:
    """The host of the command line under the lock, and the configuration that was read.

    Raises:
        UsageError: a run waits to be confirmed; nothing may be built on it.
    """
    with open_site(
        location_of(arguments),
        purpose=f"kvmrt {purpose}",
        lock_timeout_seconds=arguments.lock_timeout,
    ) as opened:
        run = GuestRun(
            site=site_of(opened),
            configuration=configuration.value,
            findings=configuration.findings,
            content=configuration.content,
            progress=plain_progress(is_json=arguments.json),
        )
        if not arguments.dry_run:
            refuse_unconfirmed(run.site)
        yield run


def recover_site(site: Site, progress: Progress, *, but: Sequence[str] = ()) -> bool:
    """Finish what a run that was killed has left: its journal, and the policies of the VMs that a boot
    was to start and that do not run.

    Args:
        site: the host.
        progress: how it is told.
        but: names of VMs whose policies are needed now.

    Returns:
        Whether everything is back.
    """
    recovery = recover(site.host, site.state, site.volatile, boot_id=site.boot_id)
    if recovery is not None:
        progress.recovered(recovery)
    is_whole = recovery is None or not recovery.differs
    return release_unfinished(site, progress, but=but) and is_whole


def release_unfinished(site: Site, progress: Progress, *, but: Sequence[str] = ()) -> bool:
    """Give back the policies of a boot that has not ended, as far as its VMs do not run."""
    unfinished = read_unfinished(site.volatile)
    if unfinished is None:
        return True
    configuration, findings = load_configuration(unfinished.configuration, file=unfinished.file)
    if configuration is None:
        raise unusable(site.volatile, f"its configuration says: {findings[0].summary}")
    run = GuestRun(
        site=site,
        configuration=configuration,
        findings=findings,
        content=unfinished.configuration,
        progress=progress,
    )
    names = [name for name in run.off(unfinished.names) if name not in but]
    if names:
        run.say(f"a {unfinished.purpose} had not ended: releasing what {', '.join(names)} held")
        result = run.release(names)
        if result is None or result.failure:
            return False
    # For VMs that are about to be booted again the record stands until that boot writes its own.
    if not set(unfinished.names) & set(but):
        clear_unfinished(site.volatile)
    return True

# SPDX-License-Identifier: Apache-2.0
"""Rules about the priorities of the kernel's threads beside those of the vCPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.placement.kthreads import MOST, wanted_priorities

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.diagnostics import Source
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.kthreads import Wanted
    from kvmrt_plan.rules.subject import Subject


def kthreads_are_above_guests(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A number that is asked for, and what above-guests can give, must be more than the vCPUs have. One
    finding per VM and kind of thread.
    """
    policy = subject.configuration.host.kernel_threads
    found: dict[tuple[str, str], Wanted] = {}
    for wanted in wanted_priorities(policy, facts, subject.placement).values():
        if wanted.guest_priority > 0 and wanted.priority <= wanted.guest_priority:
            found.setdefault((wanted.vm, wanted.attribute), wanted)
    for wanted in found.values():
        yield _starved(wanted, policy.source_of(wanted.attribute) if policy else None)


def _starved(wanted: Wanted, source: Source | None) -> Finding:
    least = wanted.guest_priority + 1
    return Finding(
        code="KR230",
        severity=Severity.WARNING,
        summary=f"{wanted.vm}: its vCPUs have priority {wanted.guest_priority}, and the kernel's "
        f"{wanted.attribute} gets {wanted.priority}",
        detail="while a vCPU is busy, threads of its CPU with a priority that is not above its own do not "
        "run",
        remedy=f"set {wanted.attribute} to above-guests or to {least} or more"
        if least <= MOST
        else f"give the vCPUs a priority below {MOST}",
        source=source,
        vm=wanted.vm,
    )


HOST_RULES = (kthreads_are_above_guests,)

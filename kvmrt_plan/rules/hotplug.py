# SPDX-License-Identifier: Apache-2.0
"""Rules about CPUs that go offline or come back beside running real-time guests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.facts.knobs import THROTTLING
from kvmrt_plan.facts.kthreads import awaited_priorities
from kvmrt_plan.placement.evacuation import evacuated_cpus
from kvmrt_plan.placement.kthreads import wanted_priorities
from kvmrt_plan.placement.place import returning_cpus
from kvmrt_plan.rules.wording import cpus_named, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject
    from kvmrt_plan.values.cpuset import CpuSet

_REAL_TIME = frozenset({"SCHED_FIFO", "SCHED_RR"})


def hotplug_does_not_hang(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A thread that never sleeps keeps the kernel's own threads of equal or lower priority off its CPU
    (sched(7)), and without throttling for ever: then whoever switches any CPU waits for them in state D.
    """
    cpus = _switched(subject, facts)
    is_unlimited = (
        facts.knobs.get(THROTTLING) == "-1" or not subject.configuration.host.rt_throttling
    )
    if not cpus or not is_unlimited:
        return
    lowest_of = _lowest_priorities(subject, facts)
    for domain in facts.domains.values():
        starving = {
            (thread.name, thread.priority, lowest)
            for thread in domain.threads
            # The kernel's own threads for a guest sleep between two interrupts.
            if thread.policy in _REAL_TIME and not thread.is_kernel
            for cpu in thread.affinity
            if (lowest := lowest_of.get(cpu)) is not None and lowest <= thread.priority
        }
        if not starving:
            continue
        name, priority, lowest = min(starving)
        yield Finding(
            code="KR138",
            severity=Severity.ERROR,
            summary=f"{domain.name}: {cpus_named(cpus)} would be switched beside its thread {name}, and "
            "that may hang for ever",
            detail=f"it has real-time priority {priority} without a limit on its time; the kernel's "
            f"rcuc on its CPU has {lowest}, does not run while it does, and CPU hotplug waits for it",
            remedy=f"shut {domain.name} down first; or set rcuc of host.kernel_threads to above-guests; or "
            f"boot with rcutree.kthread_prio={priority + 1} or more",
            vm=domain.name,
        )


def _lowest_priorities(subject: Subject, facts: HostFacts) -> Mapping[int, int]:
    """As they are when CPUs are switched: the plan raises priorities before."""
    policy = subject.configuration.host.kernel_threads
    wanted = wanted_priorities(policy, facts, subject.placement)
    if not wanted:
        return facts.kthreads
    after = (
        replace(thread, priority=max(thread.priority, wanted[name].priority))
        for name, thread in facts.kernel_threads.items()
        if name in wanted
    )
    others = (one for name, one in facts.kernel_threads.items() if name not in wanted)
    return awaited_priorities((*after, *others))


def guests_notice_hotplug(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Every CPU of the host stops for a moment (stop_machine), isolated ones too."""
    cpus = _switched(subject, facts)
    running = [
        one.vm
        for one in subject.rt
        if (domain := facts.domains.get(one.vm.uuid)) is not None and domain.is_running
    ]
    if cpus and running:
        yield Finding(
            code="KR139",
            severity=Severity.WARNING,
            summary=f"{listed([vm.name for vm in running])} will notice how {cpus_named(cpus)} "
            f"{'is' if len(cpus) == 1 else 'are'} switched",
            detail="for each of them the kernel stops all CPUs of the host for a moment, and drivers "
            "spread their interrupts anew",
            remedy="apply before the RT VMs start, or when a missed deadline does no harm",
            source=running[0].source_of("cpuset"),
        )


def _switched(subject: Subject, facts: HostFacts) -> CpuSet:
    """CPUs that a plan takes offline or brings back, or both."""
    going = subject.placement.offlined & facts.cpus.online
    evacuated = evacuated_cpus(subject.configuration.host, facts, subject.placement)
    return going | evacuated | returning_cpus(facts, subject.placement)


HOST_RULES = (hotplug_does_not_hang, guests_notice_hotplug)

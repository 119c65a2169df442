# SPDX-License-Identifier: Apache-2.0
"""What can still interrupt some CPUs, and the knob that removes each of it.

Sources: Documentation/admin-guide/{cpu-isolation,kernel-parameters,cgroup-v2}.rst,
core-api/irq/irq-affinity.rst, core-api/workqueue.rst, admin-guide/sysctl/kernel.rst. Nothing is left
out because it is usually harmless; what cannot be told from the texts at hand is said to be unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.facts.knobs import THROTTLING, WATCHDOG
from kvmrt_plan.rules.intruding_irqs import irq_intrusions
from kvmrt_plan.rules.intruding_tasks import task_intrusions
from kvmrt_plan.rules.intrusion import Intrusion, Target
from kvmrt_plan.values.cpuset import CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Intrusions:
    """What interrupts `cpus`."""

    #: The CPUs asked for that are online: an offline CPU is not interrupted.
    cpus: CpuSet
    offline: CpuSet
    #: Where the work can go instead.
    others: CpuSet
    found: tuple[Intrusion, ...]


def find_intrusions(
    facts: HostFacts, tasks: Iterable[Task], wanted: CpuSet, *, are_all_tasks: bool
) -> Intrusions:
    """Everything that can interrupt the CPUs.

    Args:
        facts: the host.
        tasks: those of its threads that are known.
        wanted: the CPUs.
        are_all_tasks: whether there are no others.
    """
    cpus = wanted & facts.cpus.online
    target = Target(cpus=cpus, others=facts.cpus.online - cpus)
    found = [] if are_all_tasks else [Intrusion.not_known("tasks", "what runs besides QEMU")]
    found += [
        *task_intrusions(facts, tasks, target),
        *irq_intrusions(facts, target),
        *_workqueues(facts, target),
        *_tick(facts, target),
        *_rcu(facts, target),
        *_watchdog(facts, target),
        *_siblings(facts, target),
        *_throttling(facts),
    ]
    return Intrusions(
        cpus=cpus, offline=wanted - cpus, others=target.others, found=tuple(found) if cpus else ()
    )


def _workqueues(facts: HostFacts, target: Target) -> Iterator[Intrusion]:
    if not facts.workqueue.masks:
        yield Intrusion.not_known(
            "unbound workqueues", "there is no /sys/devices/virtual/workqueue/cpumask"
        )
    for path, mask in facts.workqueue.masks:
        if mask & target.cpus:
            left = mask - target.cpus or target.others
            yield Intrusion(
                cause="unbound workqueues",
                summary=f"may run on CPU {mask & target.cpus}: {path} is {mask}",
                remedy=target.remedy(f"echo {left.format_mask()} > {path}"),
            )


def _tick(facts: HostFacts, target: Target) -> Iterator[Intrusion]:
    shield = facts.slices.shield
    ticking = target.cpus - facts.kernel.nohz_full - (shield.local_timers if shield else CpuSet())
    if ticking:
        wanted = facts.kernel.nohz_full | target.cpus
        yield Intrusion(
            cause="timer tick",
            summary=f"comes 100 to 1000 times per second on CPU {ticking}, which nohz_full lacks",
            remedy=f"shield -l {ticking}" if shield else f"boot argument nohz_full={wanted}",
        )


def _rcu(facts: HostFacts, target: Target) -> Iterator[Intrusion]:
    offloaded = _offloaded(facts)
    if offloaded is None:
        yield Intrusion.not_known(
            "RCU callbacks", "rcu_nocbs= on the command line is no list of CPUs"
        )
        return
    own = target.cpus - offloaded
    if own:
        yield Intrusion(
            cause="RCU callbacks",
            summary=f"run in soft interrupts or rcuc threads of CPU {own}, which rcu_nocbs lacks",
            remedy=f"boot argument rcu_nocbs={offloaded | target.cpus}",
        )


def _offloaded(facts: HostFacts) -> CpuSet | None:
    """CPUs of rcu_nocbs and nohz_full, which implies it; None when the argument cannot be read."""
    found = facts.kernel.nohz_full
    for word in facts.kernel.command_line.split():
        name, equals, value = word.partition("=")
        if name != "rcu_nocbs":
            continue
        # Without a list it makes offloading possible and offloads no CPU (kernel/rcu/tree_nocb.h).
        if equals and value == "all":
            return facts.cpus.present
        try:
            found |= CpuSet.parse_kernel(value)
        except ValueError:
            return None
    return found


def _watchdog(facts: HostFacts, target: Target) -> Iterator[Intrusion]:
    word = facts.knobs.get(WATCHDOG)
    try:
        watched = None if word is None else CpuSet.parse_kernel(word) & target.cpus
    except ValueError:
        watched = None
    if watched is None:
        yield Intrusion.not_known("watchdog", "there is no /proc/sys/kernel/watchdog_cpumask")
    elif watched:
        yield Intrusion(
            cause="watchdog",
            summary=f"looks after CPU {watched}: kernel.watchdog_cpumask is {word}",
            remedy=target.remedy(f"sysctl -w kernel.watchdog_cpumask={target.others}"),
        )


def _siblings(facts: HostFacts, target: Target) -> Iterator[Intrusion]:
    known = union(facts.cpus.siblings_of(cpu) for cpu in target.cpus)
    sharing = (known & facts.cpus.online) - target.cpus
    for cpu in sharing:
        core = facts.cpus.siblings_of(cpu) & target.cpus
        yield Intrusion(
            cause="hardware threads",
            summary=f"CPU {cpu} is online and shares the core of CPU {core}",
            remedy=f"echo 0 > /sys/devices/system/cpu/cpu{cpu}/online",
        )


def _throttling(facts: HostFacts) -> Iterator[Intrusion]:
    word = facts.knobs.get(THROTTLING)
    if word is None:
        yield Intrusion.not_known("throttling", "there is no /proc/sys/kernel/sched_rt_runtime_us")
    elif word != "-1":
        yield Intrusion(
            cause="throttling",
            summary=f"takes the CPU from real-time threads: sched_rt_runtime_us is {word}",
            remedy="sysctl -w kernel.sched_rt_runtime_us=-1",
        )

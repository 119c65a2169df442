# SPDX-License-Identifier: Apache-2.0
"""What the task shield that is taken leaves to others, compared with the strongest one: one finding.

Interrupts have findings of their own (KR205, KR206, KR223), and so have the reasons why a stronger shield
is not taken (KR204, KR209, KR210, KR213).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.placement.boot_arguments import tickless_cpus
from kvmrt_plan.placement.shield import Obstacles, shield_backend
from kvmrt_plan.rules.wording import cpus_named, listed
from kvmrt_plan.values.cpuset import union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject
    from kvmrt_plan.values.cpuset import CpuSet

#: Backends that write nothing, or that leave nothing.
_SILENT = frozenset({ShieldBackend.NONE, ShieldBackend.REDHAWK})


class Leftover(NamedTuple):
    """One cause that still reaches CPUs of RT VMs."""

    name: str
    why: str
    remedy: str
    cpus: CpuSet


def the_shield_leaves_nothing(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Tasks, kernel threads, guests and the tick, as far as the backend does not keep them away."""
    host = subject.configuration.host
    backend = shield_backend(host.shield, facts.slices)
    if not subject.placement.isolated or backend in _SILENT:
        return
    found = [*_tasks(subject, facts, backend), *_tick(subject, facts)]
    if not found:
        return
    reached = union(one.cpus for one in found)
    yield Finding(
        code="KR211",
        severity=Severity.ADVICE,
        summary=f"the shield ({backend}) leaves {listed([one.name for one in found])} on "
        f"{cpus_named(reached)} of RT VMs",
        detail="; ".join(one.why for one in found),
        remedy="; ".join(dict.fromkeys(one.remedy for one in found)),
        source=host.source_of("shield"),
    )


def _tasks(subject: Subject, facts: HostFacts, backend: ShieldBackend) -> Iterator[Leftover]:
    cpus, remedy = _unpartitioned(subject, facts, backend)
    cpus &= facts.cpus.online
    if not cpus:
        return
    yield Leftover(
        name="the kernel's threads",
        why="threads of the kernel that are bound to nothing run where they like",
        remedy=remedy,
        cpus=cpus,
    )
    yield Leftover(
        name="guests without pins",
        why="libvirt gives guests without pins all CPUs, also those that start later",
        remedy="give every guest a cpuset",
        cpus=cpus,
    )


def _unpartitioned(
    subject: Subject, facts: HostFacts, backend: ShieldBackend
) -> tuple[CpuSet, str]:
    """CPUs that AllowedCPUs= of other units keep free, and what would be stronger."""
    if backend is ShieldBackend.ALLOWED_CPUS:
        wanted = subject.configuration.host.shield
        better = "boot Linux 6.1 or later, which has isolated partitions"
        if facts.slices.has_partitions and wanted is backend:
            better = "set shield to auto, which takes partitions"
        return subject.placement.isolated, better
    obstacles = Obstacles(facts, subject.placement)
    holders = [one for one in subject.placement.vms if one.holds_policies and one.owned]
    return (
        union(one.owned for one in holders if obstacles.of(one)),
        "do what KR209 says, so that they become partitions",
    )


def _tick(subject: Subject, facts: HostFacts) -> Iterator[Leftover]:
    """A CPU that runs one thread does without a tick where nohz_full= names it."""
    holders = [one for one in subject.placement.vms if one.holds_policies]
    ticking = tickless_cpus(holders) & facts.cpus.online - facts.kernel.nohz_full
    if not ticking:
        return
    boot = subject.configuration.host.boot
    named = tickless_cpus([one for one in subject.placement.vms if one.vm.rt])
    yield Leftover(
        name="the tick",
        why="the tick stops a vCPU 100 to 1000 times a second, for some microseconds each time",
        remedy="boot the host with the boot arguments of the configuration"
        if boot is not None and boot.nohz_full is not None
        else f"boot with nohz_full={named | facts.kernel.nohz_full} (`host: {{boot: {{nohz_full: auto}}}}` "
        "writes it) and a kernel that has it (CONFIG_NO_HZ_FULL)",
        cpus=ticking,
    )


HOST_RULES = (the_shield_leaves_nothing,)

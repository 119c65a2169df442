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
from kvmrt_plan.placement.shield import (
    closed_to_guests,
    shield_backend,
)
from kvmrt_plan.rules.wording import cpus_named, listed
from kvmrt_plan.values.cpuset import union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject
    from kvmrt_plan.values.cpuset import CpuSet

#: Backends that write nothing, or that leave nothing.
_SILENT = frozenset({ShieldBackend.NONE, ShieldBackend.REDHAWK})
_REMOVE = "do what KR209 says, so that they become partitions"


class Leftover(NamedTuple):
    """One cause that still reaches CPUs of RT VMs."""

    name: str
    why: str
    remedy: str
    cpus: CpuSet


def the_shield_leaves_nothing(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Tasks, kernel threads, guests and the tick, as far as the backend does not keep them away."""
    host = subject.configuration.host
    backend = shield_backend(host.shield, facts)
    if not subject.placement.isolated or backend in _SILENT:
        return
    found = [
        *_tasks(subject, facts, backend),
        *_begun(subject, facts, backend),
        *_tick(subject, facts),
    ]
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
    """Partitions keep all of them away; other backends leave the kernel's threads, and guests while one
    that is in the way runs in machine.slice. isolcpus= is no limit to who names its CPUs.
    """
    if backend is ShieldBackend.STATIC:
        if reached := subject.placement.isolated & facts.cpus.online:
            yield Leftover(
                name="guests without pins and tasks that choose their CPUs",
                why="isolcpus= keeps away who does not ask for a CPU; libvirt asks for all of them for "
                "guests without pins, also those that start later",
                remedy="boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1) and systemd; give every "
                "guest a cpuset",
                cpus=reached,
            )
        return
    open_to_guests = subject.placement.isolated - closed_to_guests(
        backend, facts, subject.placement
    )
    is_partition = backend is ShieldBackend.PARTITION
    open_to_threads = open_to_guests if is_partition else subject.placement.isolated
    policy = subject.configuration.host.kernel_threads
    are_moved = policy is not None and policy.unbound is not None
    if not are_moved and (reached := open_to_threads & facts.cpus.online):
        yield Leftover(
            name="the kernel's threads",
            why="threads of the kernel that are bound to nothing run where they like",
            remedy=_stronger(subject, facts, backend),
            cpus=reached,
        )
    if reached := open_to_guests & facts.cpus.online:
        yield Leftover(
            name="guests without pins",
            why="libvirt gives guests without pins all CPUs, also those that start later",
            remedy=_REMOVE if is_partition else "give every guest a cpuset",
            cpus=reached,
        )


def _begun(subject: Subject, facts: HostFacts, backend: ShieldBackend) -> Iterator[Leftover]:
    """What evacuate_cpus asks for, and only partitions can have."""
    reached = subject.placement.isolated & facts.cpus.online
    if subject.configuration.host.evacuate_cpus and backend is not ShieldBackend.PARTITION:
        yield Leftover(
            name="timers and work that were begun there",
            why="evacuate_cpus moves them off CPUs that become a partition, and this shield makes none",
            remedy=_other_kernel(subject, facts, backend),
            cpus=reached,
        )


def _stronger(subject: Subject, facts: HostFacts, backend: ShieldBackend) -> str:
    """What keeps the kernel's threads away, before all else what does so on this kernel."""
    if backend is ShieldBackend.PARTITION:
        return _REMOVE
    return f"set `kernel_threads: {{unbound: housekeeping}}`, or {_other_kernel(subject, facts, backend)}"


def _other_kernel(subject: Subject, facts: HostFacts, backend: ShieldBackend) -> str:
    if backend is ShieldBackend.CPUSET_V1:
        return "boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1) on Linux 6.1 or later"
    if facts.slices.has_partitions and subject.configuration.host.shield is backend:
        return "set shield to auto, which takes partitions"
    return "boot Linux 6.1 or later, which has isolated partitions"


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

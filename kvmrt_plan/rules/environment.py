# SPDX-License-Identifier: Apache-2.0
"""Rules about the host that RT VMs run on: kernel, shield, and services that act against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.irqbalance import IrqbalancePolicy
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.facts.slices import CgroupMode
from kvmrt_plan.placement.shield import shield_backend
from kvmrt_plan.rules.wording import cpus_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.slices import Slices
    from kvmrt_plan.rules.subject import Subject


def tasks_can_be_shielded(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Tasks are kept off by RedHawk's shield, by AllowedCPUs= of systemd's slices on cgroup v2, or in a
    cpuset of cgroup v1.
    """
    if not subject.placement.isolated:
        return
    wanted = subject.configuration.host.shield
    if shield_backend(wanted, facts) is ShieldBackend.STATIC:
        return
    missing = _missing(wanted, facts)
    if missing:
        yield Finding(
            code="KR204",
            severity=Severity.WARNING,
            summary=f"shield {wanted}: {missing}, so that tasks of the host may run on "
            f"{cpus_named(subject.placement.isolated)} of RT VMs",
            remedy="boot with systemd.unified_cgroup_hierarchy=1 for cgroup v2 on a host with "
            "systemd, or use RedHawk; set shield to none to go without",
            source=subject.configuration.host.source_of("shield"),
        )


def _missing(wanted: ShieldBackend, facts: HostFacts) -> str:
    """What the backend would need and the host does not have; "" when it can work."""
    slices = facts.slices
    if wanted is ShieldBackend.NONE:
        return ""
    if wanted is ShieldBackend.REDHAWK:
        return "" if slices.shield is not None else "the kernel has no /proc/shield"
    if wanted is ShieldBackend.CPUSET_V1:
        is_there = slices.mode is CgroupMode.LEGACY
        return "" if is_there else "no hierarchy of cgroup v1 with cpusets is known of this host"
    is_found = shield_backend(wanted, facts) is not ShieldBackend.NONE
    return "" if is_found else _unified(slices)


def _unified(slices: Slices) -> str:
    """What is missing for slices of systemd."""
    if slices.mode is CgroupMode.NONE:
        return "no cgroup hierarchy with cpusets is known of this host"
    if slices.mode is not CgroupMode.UNIFIED:
        return f"the cpuset controller is on cgroup {slices.mode}, not v2"
    return "" if slices.has_systemd else "there is no systemd to confine its slices"


def irqbalance_leaves_rt_cpus_alone(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Irqbalance places every movable interrupt anew each ten seconds."""
    balancer, kernel = facts.services.irqbalance, facts.kernel
    # Setting the list switches off its own ban of isolcpus= and nohz_full= (irqbalance, cputree.c).
    automatic = kernel.isolated | kernel.nohz_full
    banned = automatic if balancer.banned is None else balancer.banned
    if balancer.live is not None:
        banned = balancer.live
    open_cpus = (subject.placement.isolated & facts.cpus.online) - banned
    if not balancer.is_running or not open_cpus:
        return
    if subject.configuration.host.irqbalance is IrqbalancePolicy.MANAGED:
        yield from _untold(subject, facts)
        return
    wanted = subject.placement.isolated | automatic | banned
    file = balancer.file or "/etc/default/irqbalance (or /etc/sysconfig/irqbalance)"
    yield Finding(
        code="KR206",
        severity=Severity.WARNING,
        summary=f"irqbalance is running and may move interrupts to {cpus_named(open_cpus)} "
        "of RT VMs within seconds",
        detail=f"it leaves alone: {banned or 'no CPU'}",
        remedy=f"put IRQBALANCE_BANNED_CPULIST={wanted} into {file} without a line "
        "IRQBALANCE_BANNED_CPUS, then `systemctl try-restart irqbalance`; "
        "or `systemctl disable --now irqbalance`; host.irqbalance: managed has kvmrt do it",
    )


def _untold(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """The plan sees to it, unless the running daemon or its settings cannot be reached."""
    balancer = facts.services.irqbalance
    if balancer.live is not None and balancer.file:
        return
    unknown = (
        "its socket does not answer" if balancer.live is None else "its settings are not known"
    )
    then = (
        "settings that are written count when it starts the next time"
        if balancer.live is None
        else "it will not leave the CPUs alone after its next start"
    )
    yield Finding(
        code="KR223",
        severity=Severity.WARNING,
        summary=f"irqbalance cannot be told everything: {unknown}",
        detail=then,
        remedy="as root, `systemctl try-restart irqbalance` after the apply, which places every "
        "interrupt anew; or `systemctl disable --now irqbalance`",
        source=subject.configuration.host.source_of("irqbalance"),
    )


def tuned_does_not_interfere(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """TuneD's scheduler plugin moves threads, and its profiles write the same masks."""
    profile = facts.services.tuned_profile
    if profile is None or not _has_rt(subject):
        return
    yield Finding(
        code="KR207",
        severity=Severity.WARNING,
        summary="TuneD is active "
        + (f"with the profile {profile}" if profile else "without profile"),
        detail="it may write the affinities and masks of this plan again, and refuses profiles whose "
        "isolated CPUs are offline",
        remedy="switch it off with `tuned-adm off`, or use a profile without the scheduler, irq "
        "and systemd plugins",
    )


def kernel_is_realtime(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """On other kernels a section without preemption may delay a vCPU for milliseconds."""
    known = facts.kernel.release or facts.kernel.version
    if facts.kernel.is_realtime or facts.kernel.is_redhawk or not _has_rt(subject) or not known:
        return
    yield Finding(
        code="KR208",
        severity=Severity.WARNING,
        summary=f"the kernel {known} is neither PREEMPT_RT nor RedHawk",
        remedy="install a real-time kernel (linux-image-rt, kernel-rt, or RedHawk)",
    )


def _has_rt(subject: Subject) -> bool:
    return any(vm.rt for vm in subject.configuration.vms)


HOST_RULES = (
    tasks_can_be_shielded, irqbalance_leaves_rt_cpus_alone, tuned_does_not_interfere,
    kernel_is_realtime,
)  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""Rules about services that write what kvmrt writes, beyond irqbalance (environment.py).

Those that move a guest's threads off their CPUs are errors: a plan beside them would be undone while the
guest runs. All others are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.rules.wording import cpus_named, listed, plural
from kvmrt_plan.values.cpuset import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject

_POWER = ("power-profiles-daemon", "thermald", "tlp")
#: Top-level cgroups that systemd can confine.
_UNITS = (".slice", ".scope", ".service")
#: systemd gives each mount a cgroup for the moment in which it is made.
_EMPTY_UNITS = (".mount", ".swap", ".automount", ".socket")


def tuned_leaves_guests_alone(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Its scheduler plugin moves every thread off the isolated CPUs, pinned vCPUs included."""
    services = facts.services
    shared = (services.tuned_isolated or EMPTY) & subject.placement.isolated
    if services.tuned_profile is None or not shared or services.is_tuned_sparing_qemu:
        return
    yield Finding(
        code="KR224",
        severity=Severity.ERROR,
        summary=f"TuneD's profile {services.tuned_profile} isolates {cpus_named(shared)} of RT VMs "
        "and moves their threads away",
        detail="its scheduler plugin gives all threads other CPUs than the isolated ones, also the pinned "
        "vCPUs of running guests",
        remedy="`tuned-adm off`; or take these CPUs out of isolated_cores in its variables, or give its "
        "scheduler plugin a ps_blacklist that names qemu, in a copy of the profile in /etc/tuned",
    )


def numad_does_not_run(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """It binds large busy processes, such as guests, to the CPUs of one node."""
    if "numad" in facts.services.running and subject.placement.isolated:
        yield Finding(
            code="KR225",
            severity=Severity.WARNING,
            summary="numad is running and may bind guests to the CPUs of whole nodes",
            detail="it sets the affinity of large busy processes and moves their memory",
            remedy="`systemctl disable --now numad`; `kvmrt` places guests by cpuset and numatune",
        )


def ksmtuned_is_off(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """It switches page merging on again when memory gets scarce."""
    if "ksmtuned" in facts.services.running and subject.placement.isolated:
        is_ours = subject.configuration.host.quiet_kernel
        yield Finding(
            code="KR226",
            severity=Severity.WARNING if is_ours else Severity.ADVICE,
            summary="ksmtuned is running and switches the merging of pages on",
            detail="quiet_kernel switches it off"
            if is_ours
            else "a write to a merged page is a fault",
            remedy="`systemctl disable --now ksmtuned ksm`",
            source=subject.configuration.host.source_of("quiet_kernel") if is_ours else None,
        )


def power_is_left_alone(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """They write governors and limits of frequency whenever the load or the supply changes."""
    running = [name for name in _POWER if name in facts.services.running]
    if running and subject.placement.isolated:
        is_ours = subject.configuration.host.governor is not None
        yield Finding(
            code="KR227",
            severity=Severity.WARNING if is_ours else Severity.ADVICE,
            summary=f"{listed(running)} may change the frequency of CPUs of RT VMs at any time",
            detail="it writes governors too" if is_ours else "",
            remedy=f"`systemctl disable --now {' '.join(running)}`, and set governor",
            source=subject.configuration.host.source_of("governor") if is_ours else None,
        )


def containers_have_other_cpus(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A container's own list of CPUs counts within its parent's; podman's parent is machine.slice."""
    for one in facts.services.containers:
        shared = one.cpus & subject.placement.isolated
        if shared:
            yield Finding(
                code="KR228",
                severity=Severity.WARNING,
                summary=f"{one.engine}: {plural(one.count, 'container')} with CPUs of their own, among "
                f"them {cpus_named(shared)} of RT VMs",
                remedy="give the containers other CPUs (--cpuset-cpus; kubelet's reservedSystemCPUs has to "
                "name the CPUs of RT VMs)",
            )


def every_group_can_be_confined(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A top-level cgroup that is none of systemd's has no AllowedCPUs= to set."""
    if not facts.slices.has_systemd:
        return
    for one in facts.slices.slices:
        if one.name.endswith((*_UNITS, *_EMPTY_UNITS)):
            continue
        reached = (one.effective or EMPTY) & subject.placement.isolated & facts.cpus.online
        if reached:
            yield Finding(
                code="KR229",
                severity=Severity.WARNING,
                summary=f"the cgroup {one.name} is none of systemd's, and its tasks may run on "
                f"{cpus_named(reached)} of RT VMs",
                remedy="let its owner make its groups through systemd (docker: "
                "native.cgroupdriver=systemd; kubelet: cgroupDriver: systemd), or write its cpuset.cpus",
            )


HOST_RULES = (
    tuned_leaves_guests_alone, numad_does_not_run, ksmtuned_is_off, power_is_left_alone,
    containers_have_other_cpus, every_group_can_be_confined,
)  # fmt: skip

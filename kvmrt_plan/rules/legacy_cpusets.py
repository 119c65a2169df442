# SPDX-License-Identifier: Apache-2.0
"""Rules about cpusets of cgroup v1 that are not kvmrt's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.facts.cpusets import OURS
from kvmrt_plan.placement.shield import shield_backend
from kvmrt_plan.rules.wording import cpus_named, few

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject

#: What libvirt's guests lie in, without systemd and with it.
_GUESTS = ("machine", "machine.slice")


def guests_have_cpusets(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A guest that starts inherits the cpuset of libvirt's daemon where libvirt gives it none."""
    running = sorted(domain.name for domain in facts.domains.values() if domain.is_running)
    if not _is_used(subject, facts) or not running:
        return
    if any(path.partition("/")[0] in _GUESTS for path in facts.slices.cpusets):
        return
    yield Finding(
        code="KR244",
        severity=Severity.WARNING,
        summary=f"libvirt gives guests no cpusets: {few(running)} {'run' if len(running) > 1 else 'runs'} "
        "without",
        detail="the host's tasks are to be confined to a cpuset, libvirt's daemon among them: a guest that "
        "it starts then would be confined, too, and an RT VM could not be pinned to its CPUs",
        remedy="put cpuset into cgroup_controllers in /etc/libvirt/qemu.conf and restart libvirt's daemon "
        "and the guests; or set shield to static or none",
        source=subject.configuration.host.source_of("shield"),
    )


def other_cpusets_stay_off(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Whoever made a cpuset at the top (docker, kubelet, cset) has chosen its CPUs."""
    if not _is_used(subject, facts):
        return
    for path, cpus in facts.slices.cpusets.items():
        shared = cpus & subject.placement.isolated & facts.cpus.online
        if "/" in path or path in (OURS, *_GUESTS) or not shared:
            continue
        yield Finding(
            code="KR245",
            severity=Severity.WARNING,
            summary=f"the cpuset {path} has {cpus_named(shared)} of RT VMs",
            detail="kvmrt moves the tasks of the root, and leaves cpusets of others as they are",
            remedy=f"give its owner other CPUs (docker: --cpuset-cpus); by hand: echo "
            f"{cpus - shared or subject.placement.housekeeping} > "
            f"/sys/fs/cgroup/cpuset/{path}/cpuset.cpus, the innermost first",
        )


def _is_used(subject: Subject, facts: HostFacts) -> bool:
    backend = shield_backend(subject.configuration.host.shield, facts)
    return bool(subject.placement.isolated) and backend is ShieldBackend.CPUSET_V1


HOST_RULES = (guests_have_cpusets, other_cpusets_stay_off)

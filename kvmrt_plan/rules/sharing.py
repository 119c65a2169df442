# SPDX-License-Identifier: Apache-2.0
"""Rules about two VMs on one CPU or one core.

Claims are looked up by CPU, so that the work grows with the CPUs that are shared and not with the
number of pairs of VMs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.rules.wording import cpus_named
from kvmrt_plan.values.cpuset import union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.placement.model import VmPlacement
    from kvmrt_plan.rules.subject import Subject


def rt_cpus_are_exclusive(subject: Subject) -> Iterator[Finding]:
    """No CPU of an RT VM's cpuset is in the cpuset of another VM."""
    for first, second in _pairs(subject):
        shared = first.vm.cpuset & second.vm.cpuset
        if not shared:
            continue
        one, other = _reported(first, second)
        yield Finding(
            code="KR102",
            severity=Severity.ERROR,
            summary=f"{one.vm.name}: cpuset overlaps that of {_kind(other)} "
            f"{other.vm.name} in {cpus_named(shared)}",
            remedy="an RT VM needs its CPUs for itself: take them out of one of the two cpusets",
            source=one.vm.source_of("cpuset"),
            vm=one.vm.name,
        )


def rt_cores_are_exclusive(subject: Subject) -> Iterator[Finding]:
    """No core is owned twice through siblings; direct overlaps have a finding of their own."""
    for first, second in _pairs(subject):
        direct = first.vm.cpuset & second.vm.cpuset
        known = union(subject.cores.get(cpu, direct) for cpu in direct)
        shared = (first.owned & second.owned) - known
        if not shared:
            continue
        one, other = _reported(first, second)
        yield Finding(
            code="KR113",
            severity=Severity.ERROR,
            summary=f"{one.vm.name}: shares the core of {cpus_named(shared)} with {_kind(other)} "
            f"{other.vm.name} through siblings",
            detail=f"{one.vm.name} has cpuset {one.vm.cpuset} and owns {one.owned}, "
            f"{other.vm.name} has cpuset {other.vm.cpuset} and owns {other.owned}; "
            "an RT VM owns every sibling of its CPUs and takes those that it does not use offline",
            remedy="give each of the two VMs whole cores (`kvmrt topology` shows the siblings)",
            source=one.vm.source_of("cpuset"),
            vm=one.vm.name,
        )


def _pairs(subject: Subject) -> Iterator[tuple[VmPlacement, VmPlacement]]:
    """Pairs in the order of the file, at least one of them RT, that own a CPU together."""
    vms = subject.placement.vms
    claims: dict[int, list[int]] = {}
    for index, one in enumerate(vms):
        for cpu in one.owned & subject.rt_owned:
            claims.setdefault(cpu, []).append(index)
    found = {
        (min(rt, other), max(rt, other))
        for claimants in set(map(tuple, claims.values()))
        for rt in claimants
        if vms[rt].vm.rt
        for other in claimants
        if other != rt
    }
    return ((vms[low], vms[high]) for low, high in sorted(found))


def _reported(first: VmPlacement, second: VmPlacement) -> tuple[VmPlacement, VmPlacement]:
    """The VM that the finding is about: the RT one, of two the later in the file; and the other."""
    return (first, second) if first.vm.rt and not second.vm.rt else (second, first)


def _kind(one: VmPlacement) -> str:
    return "RT VM" if one.vm.rt else "VM"


RULES = (rt_cpus_are_exclusive, rt_cores_are_exclusive)

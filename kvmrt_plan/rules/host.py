# SPDX-License-Identifier: Apache-2.0
"""Rules about the housekeeping CPUs that the configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.rules.wording import cpus_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject


def housekeeping_is_no_rt_vms(subject: Subject) -> Iterator[Finding]:
    """The host's own work on an RT VM's CPU is what shielding is to prevent."""
    host = subject.configuration.host
    for one in subject.rt:
        shared = one.owned & host.housekeeping if host.housekeeping else None
        if shared:
            yield Finding(
                code="KR124",
                severity=Severity.ERROR,
                summary=f"housekeeping {host.housekeeping} takes {cpus_named(shared)} "
                f"of the RT VM {one.vm.name}",
                detail=f"{one.vm.name} owns {one.owned}, its siblings included",
                remedy="set housekeeping to auto, or to CPUs that no RT VM owns",
                source=host.source_of("housekeeping"),
            )


def housekeeping_is_online(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """The kernel refuses a mask without an online CPU, and ignores the offline ones of any other."""
    host = subject.configuration.host
    if host.housekeeping is None:
        return
    absent = host.housekeeping - facts.cpus.online - subject.returning - subject.rt_owned
    if absent:
        are_offline = absent <= facts.cpus.offline
        yield Finding(
            code="KR124",
            severity=Severity.ERROR,
            summary=f"housekeeping {host.housekeeping} names {cpus_named(absent)}, which "
            + _state(are_offline=are_offline, is_single=len(absent) == 1),
            detail=f"online: {facts.cpus.online}",
            remedy="set housekeeping to auto, or to CPUs that are online",
            source=host.source_of("housekeeping"),
        )


def _state(*, are_offline: bool, is_single: bool) -> str:
    if are_offline:
        return "is offline" if is_single else "are offline"
    return "does not exist" if is_single else "do not exist or are offline"


RULES = (housekeeping_is_no_rt_vms,)
HOST_RULES = (housekeeping_is_online,)

# SPDX-License-Identifier: Apache-2.0
"""irqbalance leaves the CPUs of RT VMs alone: by its settings for when it starts, and at once.

Managed only with `host.irqbalance: managed`. What it leaves alone is the union of what its user has named,
of what it leaves alone by itself (isolcpus=, nohz_full=), and of the CPUs of RT VMs. A balancer that does not
run moves nothing, so nothing is changed for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Change,
    Considered,
    Disturbance,
    Kind,
    Reason,
    ReasonCode,
    unless_right,
)
from kvmrt_plan.changes.masks import released
from kvmrt_plan.desired.irqbalance import IrqbalancePolicy
from kvmrt_plan.facts.irqbalance import NONE
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.desired.model import HostPolicy
    from kvmrt_plan.facts.irqbalance import Irqbalance

LIVE = "irqbalance/running"


def irqbalance_changes(policy: HostPolicy, masks: Masks) -> Iterator[Considered]:
    """The settings file, and the running daemon."""
    balancer = masks.facts.services.irqbalance
    is_managed = policy.irqbalance is IrqbalancePolicy.MANAGED and bool(masks.placement.isolated)
    reason = _reason(policy, masks) if is_managed else released()
    yield from _file(balancer, masks, reason, is_managed=is_managed)
    yield from _running(balancer, masks, reason, is_managed=is_managed)


def _file(
    balancer: Irqbalance, masks: Masks, reason: Reason, *, is_managed: bool
) -> Iterator[Considered]:
    if not balancer.file or not (balancer.is_ours or (is_managed and balancer.is_running)):
        return
    base = balancer.base or EMPTY
    automatic = masks.facts.kernel.isolated | masks.facts.kernel.nohz_full
    now = balancer.banned or EMPTY
    wanted = base | automatic | masks.placement.isolated if is_managed else base
    effective = automatic if balancer.banned is None else now
    if not balancer.is_ours and wanted <= effective:
        wanted = now
    yield _consider(Kind.IRQBALANCE_FILE, f"irqbalance{balancer.file}", now, wanted, reason)


def _running(
    balancer: Irqbalance, masks: Masks, reason: Reason, *, is_managed: bool
) -> Iterator[Considered]:
    now = balancer.live
    if now is None:
        return
    held = masks.facts.held.get(LIVE)
    is_ours = held is not None and held.written == _text(now)
    before = _cpus(held.original) if held is not None and is_ours else now
    if is_managed:
        automatic = masks.facts.kernel.isolated | masks.facts.kernel.nohz_full
        wanted = before | automatic | masks.placement.isolated
    elif is_ours:
        wanted = before
    else:
        return
    yield _consider(Kind.IRQBALANCE_BAN, LIVE, now, wanted, reason)


def _consider(kind: Kind, address: str, now: CpuSet, wanted: CpuSet, reason: Reason) -> Considered:
    return unless_right(
        Change(
            kind=kind,
            address=address,
            before=_text(now),
            after=_text(wanted),
            disturbance=Disturbance.NONE,
            reason=reason,
        )
    )


def _reason(policy: HostPolicy, masks: Masks) -> Reason:
    owners = masks.reasons.leaving(masks.placement.isolated).text
    return Reason(
        code=ReasonCode.HOST_POLICY,
        text=f"irqbalance is managed and {owners}",
        source=policy.source_of("irqbalance"),
    )


def _text(cpus: CpuSet) -> str:
    return str(cpus) or NONE


def _cpus(text: str | None) -> CpuSet:
    return EMPTY if text in (None, NONE) else CpuSet.parse(text or "")

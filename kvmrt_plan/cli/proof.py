# SPDX-License-Identifier: Apache-2.0
"""Proof of an apply: the host is gathered and planned for once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.apply.run import Proof
from kvmrt_plan.cli.probes import failed_probes
from kvmrt_plan.pipeline import plan_host

if TYPE_CHECKING:
    from kvmrt_plan.apply.run import Site
    from kvmrt_plan.desired.model import Probe
    from kvmrt_plan.plan.goal import Goal


def prove(
    site: Site, goal: Goal, excused: frozenset[str], counted: tuple[Probe, ...] = ()
) -> Proof:
    """Facts again, plan again: whatever is left is not as planned. Then the probes again."""
    plan = plan_host(goal, site.host.capture())
    if plan.is_errored:
        return Proof(
            remaining=tuple(one.summary for one in plan.findings if one.severity == "error")
        )
    changes = (action.change for action in plan.actions if action.change.address not in excused)
    remaining = tuple(
        f"{one.address} is {one.before} and should be {one.after}"
        for one in changes
        if not one.is_kept
    )
    return Proof(
        remaining=remaining,
        failed_probes=() if remaining else failed_probes(counted),
        pending=plan.pending,
    )

# SPDX-License-Identifier: Apache-2.0
"""A plan: ordered, numbered actions, with everything a reader or an applier needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Severity, has_errors

if TYPE_CHECKING:
    from kvmrt_plan.changes.change import Activation, Change, NoChange, Pending
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.plan.drift import Drift


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One step: a change, its place in the order, and the steps that must come before it."""

    number: int
    change: Change
    requires: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedHost:
    """The host that the plan was made for. A plan is refused on any other."""

    name: str
    #: When its facts were taken, UTC.
    captured: str
    kernel: str
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done; made by `make.py`, never changed after."""

    host: PlannedHost
    #: The configuration as it was named on the command line.
    configuration: str
    #: Names of the VMs it was narrowed to; empty: all.
    narrowed_to: tuple[str, ...]
    actions: tuple[Action, ...]
    pending: tuple[Pending, ...]
    unchanged: tuple[NoChange, ...]
    #: UUIDs of the VMs whose policies are in force after it.
    holders: tuple[str, ...]
    #: Their names, in the order of the configuration.
    holder_names: tuple[str, ...] = ()
    findings: tuple[Finding, ...]
    #: What kvmrt had written and somebody has changed since.
    drift: tuple[Drift, ...] = ()

    @property
    def is_errored(self) -> bool:
        """Whether an error stops it; then it has no actions."""
        return has_errors(self.findings)

    def count(self, activation: Activation) -> int:
        """How many actions take effect at that time."""
        return sum(action.change.activation is activation for action in self.actions)

    def count_findings(self, severity: Severity) -> int:
        """How many findings have that severity."""
        return sum(finding.severity is severity for finding in self.findings)

# SPDX-License-Identifier: Apache-2.0
"""What a check found: one value for each configuration and host, and the report about all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Disturbance
from kvmrt_plan.diagnostics import Severity, has_errors
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

if TYPE_CHECKING:
    from uuid import UUID

    from kvmrt_plan.desired.allowance import Allowance
    from kvmrt_plan.diagnostics import Finding, Source
    from kvmrt_plan.plan.action import Action, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """A finding that somebody accepts."""

    finding: Finding
    reason: str
    #: Where the allowance stands; None: on the command line.
    source: Source | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A VM of a configuration, for comparisons between hosts."""

    uuid: UUID
    name: str
    source: Source | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One configuration on one host, or without any."""

    #: The configuration as it was named.
    file: str
    #: The snapshot's file; None: none was used.
    snapshot: str | None = None
    #: The host's name; "" when it is not known.
    host: str = ""
    age_seconds: int | None = None
    vms: tuple[Described, ...] = ()
    #: CPUs that RT VMs own.
    rt_cpus: CpuSet = EMPTY
    #: Whether any guest runs there.
    has_running_guests: bool = False
    #: None: the configuration cannot be used, or there is no host.
    plan: Plan | None = None
    findings: tuple[Finding, ...] = ()
    allowed: tuple[Allowed, ...] = ()
    #: Allowances of the file that met no finding here.
    idle: tuple[Allowance, ...] = ()

    def count(self, severity: Severity) -> int:
        """How many findings have that severity."""
        return sum(one.severity is severity for one in self.findings)

    @property
    def is_errored(self) -> bool:
        """Whether an error stands against it."""
        return has_errors(self.findings)

    @property
    def changes(self) -> int | None:
        """How many changes a plan would make; None when there is no plan."""
        return None if self.plan is None or self.plan.is_errored else len(self.plan.actions)

    @property
    def touching_guests(self) -> tuple[Action, ...]:
        """The changes that a running guest would notice."""
        if self.plan is None or not self.has_running_guests:
            return ()
        noticed = (Disturbance.GUEST, Disturbance.ALL_CPUS)
        return tuple(one for one in self.plan.actions if one.change.disturbance in noticed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that was checked, in the order of the files' names."""

    checked: tuple[Checked, ...]

    def count(self, severity: Severity) -> int:
        """How many findings have that severity."""
        return sum(one.count(severity) for one in self.checked)

    @property
    def is_errored(self) -> bool:
        """Whether an error stands against any configuration."""
        return any(one.is_errored for one in self.checked)

    @property
    def changes(self) -> int:
        """Changes on all hosts together."""
        return sum(one.changes or 0 for one in self.checked)

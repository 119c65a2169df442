# SPDX-License-Identifier: Apache-2.0
"""Services that write the same settings as kvmrt: they are named, never fought in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmrt_plan.values.cpuset import CpuSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Irqbalance:
    """The interrupt balancer."""

    is_running: bool
    #: CPUs it must leave alone, None when its settings name none.
    banned: CpuSet | None
    #: The settings file that was read, "" when there is none.
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Competing writers."""

    irqbalance: Irqbalance
    #: TuneD's active profile, None when TuneD does not run.
    tuned_profile: str | None

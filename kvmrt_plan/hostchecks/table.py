# SPDX-License-Identifier: Apache-2.0
"""All checks in the order of their numbers, and how they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.errors import DomainXmlError, FactError
from kvmrt_plan.hostchecks import (
    access,
    cgroups,
    cpus,
    interrupts,
    kernel,
    memory,
    modules,
    power,
    redhawk,
    services,
    timing,
)
from kvmrt_plan.hostchecks.check import Result, skipped

if TYPE_CHECKING:
    from kvmrt_plan.hostchecks.check import Check, HostView

GROUPS = (
    access, kernel, cgroups, cpus, interrupts, timing, power, memory, modules, services, redhawk,
)  # fmt: skip

CHECKS: tuple[Check, ...] = tuple(
    sorted((check for group in GROUPS for check in group.CHECKS), key=lambda check: check.number)
)


def run_checks(view: HostView) -> tuple[Result, ...]:
    """Every check, in order; a text that cannot be understood skips the check that needs it."""
    return tuple(_run(check, view) for check in CHECKS)


def _run(check: Check, view: HostView) -> Result:
    try:
        return Result(check=check, outcome=check.run(view))
    except (DomainXmlError, FactError) as error:
        return Result(check=check, outcome=skipped(error.problem))

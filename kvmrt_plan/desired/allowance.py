# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009  described() is dataclasses.field(), not a value shared between instances
"""A finding that is accepted, with the reason: part of a configuration, or of a command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date  # noqa: TC003  pydantic resolves the annotations at run time
from typing import TYPE_CHECKING

from kvmrt_plan.desired.described import described

if TYPE_CHECKING:
    from kvmrt_plan.diagnostics import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """A warning or advice that `kvmrt check` accepts; every other command shows it as before."""

    code: str = described("The finding's code.", "KR104")
    reason: str = described("Why it is acceptable.", "measured with both nodes")
    until: date | None = described(
        "The last day on which it counts; unset: for good.", "2027-06-30", default=None
    )
    vm: str = described("Only for this VM, by name; empty: for all.", "rt1", default="")
    source: Source | None = field(
        default=None, compare=False, repr=False, metadata={"exclude": True}
    )

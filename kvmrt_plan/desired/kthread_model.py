# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009  described() is dataclasses.field()
"""What the configuration asks of the kernel's own threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from kvmrt_plan.desired.described import described

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.diagnostics import Source


class Above(StrEnum):
    """A priority that follows from those of the guests."""

    GUESTS = "above-guests"


class Unbound(StrEnum):
    """Where threads run that the kernel has bound to no CPU."""

    HOUSEKEEPING = "housekeeping"


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelThreads:
    """FIFO priorities of threads on the CPUs that RT VMs use, and where others run; what is unset is
    unmanaged.
    """

    rcuc: int | Above | None = described(
        "Priority of rcuc/N (RCU callbacks, PREEMPT_RT); above-guests: at least one more than any vCPU has "
        "there.",
        "above-guests", 4, default=None,
    )  # fmt: skip
    ktimers: int | Above | None = described(
        "The same of ktimers/N (expired timers, PREEMPT_RT).", "above-guests", 3,
        default=None,
    )  # fmt: skip
    ksoftirqd: int | Above | None = described(
        "The same of ksoftirqd/N (work that interrupts have left).", 2,
        default=None,
    )  # fmt: skip
    rcub: int | Above | None = described(
        "The same of rcub/N, which lends its priority to whoever holds RCU up; for the whole host.",
        "above-guests", default=None,
    )  # fmt: skip
    unbound: Unbound | None = described(
        "Where kernel threads run that are bound to no CPU, when the shield does not move them.",
        "housekeeping", default=None,
    )  # fmt: skip
    sources: Mapping[str, Source] = field(
        default_factory=dict, compare=False, repr=False, metadata={"exclude": True}
    )

    def source_of(self, attribute: str = "") -> Source | None:
        """Where the attribute stands, or the part itself."""
        return self.sources.get(attribute) or self.sources.get("")

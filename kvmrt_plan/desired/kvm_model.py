# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009, FBT003  described() is dataclasses.field(); its examples may be booleans
"""What the configuration asks of KVM's modules."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from kvmrt_plan.desired.described import described

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.diagnostics import Source


class NxHugePages(StrEnum):
    """Whether KVM splits huge pages that a guest executes from (a processor flaw, iTLB multihit)."""

    NEVER = "never"
    OFF = "off"
    FORCE = "force"


@dataclass(frozen=True, slots=True, kw_only=True)
class KvmPolicy:
    """Parameters of kvm, kvm_intel and kvm_amd; what is unset is unmanaged."""

    kvmclock_periodic_sync: bool | None = described(
        "Whether all vCPUs are stopped every five minutes to compare their clocks.",
        False, default=None,
    )  # fmt: skip
    nx_huge_pages: NxHugePages | None = described(
        "Whether huge pages that guests execute from are split; joining them again stops a guest for "
        "100 us. On processors with iTLB multihit off trades safety for time.",
        "never", default=None,
    )  # fmt: skip
    halt_poll_ns: int | None = described(
        "Longest time that KVM polls for an idle vCPU, in nanoseconds.",
        0, default=None, ge=0, le=2147483647,
    )  # fmt: skip
    ple_gap: int | None = described(
        "Intel: gap in cycles within which spinning counts as waiting; 0: no pause exits. For vCPUs that "
        "have a CPU of their own.",
        0, default=None, ge=0, le=2147483647,
    )  # fmt: skip
    pause_filter_count: int | None = described(
        "AMD: pauses until a spinning vCPU exits; 0: none does. For vCPUs that have a CPU of their own.",
        0, default=None, ge=0, le=65535,
    )  # fmt: skip
    sources: Mapping[str, Source] = field(
        default_factory=dict, compare=False, repr=False, metadata={"exclude": True}
    )

    def source_of(self, attribute: str = "") -> Source | None:
        """Where the attribute stands, or the kvm part itself."""
        return self.sources.get(attribute) or self.sources.get("")

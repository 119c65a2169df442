# SPDX-License-Identifier: Apache-2.0
"""What a conversion gives: VMs, and everything of the source that they do not say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from kvmrt_plan.desired.model import VirtualMachine
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.values.cpuset import CpuSet

#: Where UUIDs of VMs come from that have none: the same source and name give the same one.
_SPACE = UUID("2f6d1d86-7c1b-5f0e-8a53-0f4b6a1f0d57")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Something of the source that is not in the configuration, and why."""

    #: The VM that it is about, "" for the host.
    vm: str
    name: str
    value: str
    line: int | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """The VMs of a source; none when `findings` has an error."""

    file: str
    vms: tuple[VirtualMachine, ...] = ()
    #: How each VM came to its UUID, by name.
    uuids: dict[str, str]
    left_out: tuple[LeftOut, ...] = ()
    findings: tuple[Finding, ...] = ()
    #: CPUs for the host's own work, where the source says it.
    housekeeping: CpuSet | None = None


def made_uuid(kind: str, name: str) -> UUID:
    """The UUID of a VM whose source has none."""
    return uuid5(_SPACE, f"{kind}:{name}")

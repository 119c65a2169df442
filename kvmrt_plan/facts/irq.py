# SPDX-License-Identifier: Apache-2.0
"""Interrupts of the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmrt_plan.values.cpuset import CpuSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Irq:
    """One numbered interrupt."""

    number: int
    #: Names of its actions (`eth0-rx-1`), as registered by the drivers; empty when nobody uses it.
    actions: tuple[str, ...]
    #: Interrupt controller (`PCI-MSI`), "" when unknown.
    chip: str = ""
    #: PCI address of its device (`0000:3b:00.0`), None when it is no MSI of a PCI device.
    device: str | None = None
    driver: str | None = None
    #: Network interfaces of its device.
    interfaces: tuple[str, ...] = ()
    #: Desired affinity (smp_affinity_list); None when it could not be read.
    affinity: CpuSet | None
    #: Where it goes now (effective_affinity_list); None when the kernel does not say.
    effective: CpuSet | None = None
    #: The kernel spreads it and refuses a new affinity. None: not known, presumed movable.
    is_managed: bool | None = None
    #: False for the timer and the cascade (IRQ 0 and 2 of x86), which refuse a new affinity too.
    is_movable: bool = True

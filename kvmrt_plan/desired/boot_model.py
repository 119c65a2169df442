# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009  described() is dataclasses.field(), not a value shared between instances
"""What the configuration asks of the next boot: the kernel's arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from kvmrt_plan.desired.described import described
from kvmrt_plan.values.cpuset import CpuSet  # noqa: TC001  pydantic resolves the annotations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.diagnostics import Source


class BootCpus(StrEnum):
    """The word in place of a list of CPUs."""

    AUTO = "auto"


class Iommu(StrEnum):
    """Remapping of devices' memory accesses."""

    #: For all devices.
    ON = "on"
    #: For devices that are passed through; the host's own go without.
    PT = "pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class BootPolicy:
    """Arguments of the kernel at the next boot; what is unset is unmanaged."""

    nohz_full: CpuSet | BootCpus | None = described(
        "CPUs without a tick while one task runs there; auto: those that run vCPUs of RT VMs.",
        "auto", "2-3", default=None,
    )  # fmt: skip
    rcu_nocbs: CpuSet | BootCpus | None = described(
        "CPUs whose RCU callbacks run elsewhere; auto: all that RT VMs own.",
        "auto", "1-3", default=None,
    )  # fmt: skip
    irqaffinity: CpuSet | BootCpus | None = described(
        "CPUs that interrupts go to from the start; auto: all that no RT VM owns. On RedHawk "
        "msi_affinity_mask gets the same list.",
        "auto", "0", default=None,
    )  # fmt: skip
    managed_irqs: CpuSet | BootCpus | None = described(
        "CPUs that managed interrupts avoid (isolcpus=managed_irq); auto: all that RT VMs own.",
        "auto", "1-3", default=None,
    )  # fmt: skip
    kthread_prio: int | None = described(
        "Priority of the kernel's RCU threads (rcutree.kthread_prio); above that of the vCPUs.",
        10, default=None, ge=1, le=99,
    )  # fmt: skip
    workqueue_pri: int | None = described(
        "Priority of kernel workers (workqueue.pri); RedHawk only, which requires 3.",
        3, default=None, ge=1, le=99,
    )  # fmt: skip
    iommu: Iommu | None = described(
        "Remapping of memory accesses: on for all devices, pt for those that are passed through.",
        "pt", default=None,
    )  # fmt: skip
    vfio_pci: tuple[str, ...] = described(
        "PCI devices that are kept for VFIO from the start (vfio-pci.addr); RedHawk only.",
        default=(),
    )
    arguments: tuple[str, ...] = described(
        "Further arguments, as they are written on the command line.", default=()
    )
    sources: Mapping[str, Source] = field(
        default_factory=dict, compare=False, repr=False, metadata={"exclude": True}
    )

    def source_of(self, attribute: str = "") -> Source | None:
        """Where the attribute stands, or the boot part itself."""
        return self.sources.get(attribute) or self.sources.get("")

# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009, FBT003  described() is dataclasses.field(); its examples may be booleans
"""Settings of the host that RT VMs want while they hold their policies; unmanaged unless they are set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kvmrt_plan.desired.described import described
from kvmrt_plan.desired.kthread_model import KernelThreads  # noqa: TC001  pydantic resolves it


class PageMerging(StrEnum):
    """What the kernel's page merging (KSM) does."""

    STOPPED = "stopped"
    UNMERGED = "unmerged"


class TransparentHugepages(StrEnum):
    """Which memory the kernel backs with huge pages by itself."""

    ALWAYS = "always"
    MADVISE = "madvise"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKnobs:
    """Each holds while an RT VM holds its policies, and returns to the value it had."""

    reserve_hugepages: bool = described(
        "Reserve the huge pages of RT VMs with `hugepages` on their NUMA nodes before they start.",
        True, default=False,
    )  # fmt: skip
    memory_shield: bool = described(
        "Keep the memory of NUMA nodes whose CPUs all belong to RT VMs for these, as far as it goes: "
        "AllowedMemoryNodes= of the other units of systemd.",
        True, default=False,
    )  # fmt: skip
    evacuate_cpus: bool = described(
        "Move timers and work of the kernel that were begun on an RT VM's CPUs away before it starts: each "
        "CPU goes offline and comes back once, when it becomes a partition.",
        True, default=False,
    )  # fmt: skip
    page_merging: PageMerging | None = described(
        "Merging of equal pages: stopped, or unmerged as well; unset: unmanaged.",
        "unmerged", default=None,
    )  # fmt: skip
    transparent_hugepages: TransparentHugepages | None = described(
        "Which memory the kernel backs with huge pages by itself; unset: unmanaged.",
        "never", default=None,
    )  # fmt: skip
    nmi_watchdog: bool = described(
        "Leave the watchdog for hard lockups as it is; false: off while an RT VM holds its policies.",
        False, default=True,
    )  # fmt: skip
    machine_check_polling: bool = described(
        "Leave reports of corrected hardware errors as they are; false: neither polled nor signalled, "
        "on all CPUs, while an RT VM holds its policies.",
        False, default=True,
    )  # fmt: skip
    energy_preference: str | None = described(
        "Energy performance preference of the CPUs that RT VMs use; unset: unmanaged.",
        "performance", default=None,
    )  # fmt: skip
    idle_exit_us: int | None = described(
        "Idle states that take longer to leave, in microseconds, are switched off on the CPUs that RT VMs "
        "use; unset: unmanaged.",
        10, default=None, ge=0, le=2147483647,
    )  # fmt: skip
    kernel_threads: KernelThreads | None = described(
        "Priorities and CPUs of the kernel's own threads; unset: unmanaged.", default=None
    )

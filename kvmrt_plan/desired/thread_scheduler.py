# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009  described() is dataclasses.field(), not a value shared between instances
"""How threads of a guest are scheduled: vCPUs, the emulator thread, iothreads (libvirt: `vcpusched`,
`emulatorsched`, `iothreadsched`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kvmrt_plan.desired.described import described


class SchedulerPolicy(StrEnum):
    """Real-time policies of sched(7)."""

    FIFO = "fifo"
    RR = "rr"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadScheduler:
    """Scheduling policy and priority of threads of a guest."""

    policy: SchedulerPolicy = described("Policy of the threads, see sched(7).", "fifo")
    priority: int = described(
        "Real-time priority; keep it below that of the kernel's RCU and timer threads.",
        1, ge=1, le=99,
    )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.policy} {self.priority}"


#: The attributes of a VM that have one.
SCHEDULED = ("vcpu_scheduler", "emulator_scheduler", "iothread_scheduler")

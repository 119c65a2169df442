# SPDX-License-Identifier: Apache-2.0
"""The threads of a running guest: what each is for, where it should run, and whether it does.

A thread that a pin governs must run on exactly the online CPUs of its pin; any other (workers come and
go) within those of the emulator, in whose cgroup it lives. A VM that kvmrt does not pin has no wanted
CPUs. Policies are compared where the configuration sets them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.changes.live_pins import pin_of_thread

if TYPE_CHECKING:
    from kvmrt_plan.facts.domain import Domain, Thread
    from kvmrt_plan.placement.model import VmPlacement
    from kvmrt_plan.values.cpuset import CpuSet

_POLICIES = {"fifo": "SCHED_FIFO", "rr": "SCHED_RR"}

#: Beginnings of thread names, and the roles that KVM-RT's guide gives them.
_ROLES = (
    ("qemu", "emulator"),
    ("SPICE Worker", "console"),
    ("worker", "worker"),
    ("vnc_worker", "console"),
    ("IO mon_iothread", "monitor I/O"),
    ("vhost-", "network I/O"),
    ("kvm-", "timer"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadState:
    """One thread beside what it should be."""

    thread: Thread
    #: `vCPU 0`, `iothread 1`, `emulator`, `worker`, ...
    role: str
    #: None: anywhere.
    wanted: CpuSet | None
    #: As sched(7) names it, with its priority; None: not managed.
    wanted_policy: tuple[str, int] | None
    #: Where it runs is not where it should.
    is_misplaced: bool
    #: Its policy or priority is another.
    is_misscheduled: bool

    @property
    def deviates(self) -> bool:
        """Whether anything is not as it should be."""
        return self.is_misplaced or self.is_misscheduled


def thread_states(placed: VmPlacement, domain: Domain, online: CpuSet) -> tuple[ThreadState, ...]:
    """All threads of the guest, by ascending number; none when it does not run."""
    return tuple(_state(placed, thread, online) for thread in domain.threads)


def _state(placed: VmPlacement, thread: Thread, online: CpuSet) -> ThreadState:
    key = pin_of_thread(thread.name)
    wanted = _wanted_cpus(placed, key)
    policy = _wanted_policy(placed, key)
    return ThreadState(
        thread=thread,
        role=_role(thread.name, key),
        wanted=wanted,
        wanted_policy=policy,
        is_misplaced=wanted is not None
        and _is_misplaced(thread.affinity & online, wanted & online, is_pinned=key is not None),
        is_misscheduled=policy is not None and policy != (thread.policy, thread.priority),
    )


def _is_misplaced(now: CpuSet, wanted: CpuSet, *, is_pinned: bool) -> bool:
    return now != wanted if is_pinned else not now <= wanted


def _wanted_cpus(placed: VmPlacement, key: str | None) -> CpuSet | None:
    if not placed.is_bound:
        return None
    kind, _, number = (key or "").partition(" ")
    if kind == "vcpupin":
        index = int(number)
        return placed.vcpus[index] if index < len(placed.vcpus) else None
    return placed.emulator


def _wanted_policy(placed: VmPlacement, key: str | None) -> tuple[str, int] | None:
    scheduler = placed.vm.vcpu_scheduler
    if scheduler is None or not (key or "").startswith("vcpupin"):
        return None
    return _POLICIES[str(scheduler.policy)], scheduler.priority


def _role(name: str, key: str | None) -> str:
    kind, _, number = (key or "").partition(" ")
    if kind == "vcpupin":
        return f"vCPU {number}"
    if kind == "iothreadpin":
        return f"iothread {number}"
    return next((role for start, role in _ROLES if name.startswith(start)), "other")

# SPDX-License-Identifier: Apache-2.0
"""The threads of a running guest: what each is for, where it should run, and whether it does.

A thread that a pin governs must run on exactly the online CPUs of its pin; any other (workers come and
go) within those of the emulator, in whose cgroup it lives. So do the kernel's threads for the guest: one that
is in another cgroup is misplaced wherever it runs, because no pin of the guest moves it. A VM that kvmrt does
not pin has no wanted CPUs. Policies are compared where the configuration sets them; the interval timer
(kvm-pit) delivers the guest's interrupts and has those of vCPU 0 when they are real-time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.changes.live_pins import pin_of_thread
from kvmrt_plan.changes.scheduler_target import ATTRIBUTE_OF
from kvmrt_plan.facts.guest_kthreads import kind_of_kthread
from kvmrt_plan.values.threadvalue import format_place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kvmrt_plan.facts.domain import Domain, Thread
    from kvmrt_plan.placement.model import VmPlacement
    from kvmrt_plan.values.cpuset import CpuSet

_POLICIES = {"fifo": "SCHED_FIFO", "rr": "SCHED_RR"}
_REAL_TIME = frozenset(_POLICIES.values())
_TIMER = "kvm-pit"

#: Beginnings of thread names, and the roles that KVM-RT's guide gives them.
_ROLES = (
    ("qemu", "emulator"),
    ("SPICE Worker", "console"),
    ("worker", "worker"),
    ("vnc_worker", "console"),
    ("IO mon_iothread", "monitor I/O"),
    ("vhost-", "network I/O"),
    ("kvm-nx", "page tables"),
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
    def place(self) -> str:
        """Where it may run, and `host` before that for a thread in another cgroup than the guest's."""
        return format_place(self.thread.affinity, is_outside=self.thread.is_outside)

    @property
    def deviates(self) -> bool:
        """Whether anything is not as it should be."""
        return self.is_misplaced or self.is_misscheduled


def thread_states(placed: VmPlacement, domain: Domain, online: CpuSet) -> tuple[ThreadState, ...]:
    """All threads of the guest, by ascending number; none when it does not run."""
    timer = _timer_policy(placed, domain.threads)
    first = min((one.tid for one in domain.threads if not one.is_kernel), default=0)
    return tuple(
        _state(
            placed, thread, online, timer if _is_timer(thread) else _policy(placed, thread, first)
        )
        for thread in domain.threads
    )


def _is_timer(thread: Thread) -> bool:
    return thread.is_kernel and kind_of_kthread(thread.name) == _TIMER


def _policy(placed: VmPlacement, thread: Thread, first: int) -> tuple[str, int] | None:
    """Libvirt schedules QEMU's first thread alone; further ones carry the program's name as well."""
    key = pin_of_thread(thread.name)
    return None if key == "emulatorpin" and thread.tid != first else _wanted_policy(placed, key)


def _state(
    placed: VmPlacement, thread: Thread, online: CpuSet, policy: tuple[str, int] | None
) -> ThreadState:
    key = pin_of_thread(thread.name)
    wanted = _wanted_cpus(placed, key)
    return ThreadState(
        thread=thread,
        role=_role(thread.name, key),
        wanted=wanted,
        wanted_policy=policy,
        is_misplaced=wanted is not None
        and (
            thread.is_outside
            or _is_misplaced(thread.affinity & online, wanted & online, is_pinned=key is not None)
        ),
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
    family = (key or "").partition(" ")[0].replace("pin", "sched")
    scheduler = getattr(placed.vm, ATTRIBUTE_OF[family]) if family in ATTRIBUTE_OF else None
    if scheduler is None:
        return None
    return _POLICIES[str(scheduler.policy)], scheduler.priority


def _timer_policy(placed: VmPlacement, threads: Iterable[Thread]) -> tuple[str, int] | None:
    """What vCPU 0 should have, or has where that is unmanaged; None unless it is real-time."""
    if not placed.is_bound:
        return None
    wanted = _wanted_policy(placed, "vcpupin 0")
    if wanted is not None:
        return wanted
    first = next((one for one in threads if pin_of_thread(one.name) == "vcpupin 0"), None)
    is_real_time = first is not None and first.policy in _REAL_TIME
    return (first.policy, first.priority) if first and is_real_time else None


def _role(name: str, key: str | None) -> str:
    kind, _, number = (key or "").partition(" ")
    if kind == "vcpupin":
        return f"vCPU {number}"
    if kind == "iothreadpin":
        return f"iothread {number}"
    return next((role for start, role in _ROLES if name.startswith(start)), "other")

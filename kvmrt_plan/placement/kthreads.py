# SPDX-License-Identifier: Apache-2.0
"""Which priorities the kernel's threads should have, given the guests on their CPUs.

A vCPU that never sleeps keeps every thread of its CPU with a lower or equal real-time priority from running
(sched(7)). Without rcuc/N RCU stalls, without ktimers/N timers and CPU hotplug wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmrt_plan.desired.kthread_model import Above

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.desired.kthread_model import KernelThreads
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement, VmPlacement

#: The highest that sched_setscheduler(2) takes.
MOST = 99
#: Threads that each CPU has, by the attribute that asks for them.
_OF_A_CPU = ("rcuc", "ktimers", "ksoftirqd")
_BOOST = "rcub"
_REAL_TIME = frozenset({"SCHED_FIFO", "SCHED_RR"})


class Wanted(NamedTuple):
    """What a thread should have."""

    attribute: str
    priority: int
    #: Whether a higher one is right too.
    is_least: bool
    #: Of the vCPUs that it competes with, and their VM; 0 and "": with none.
    guest_priority: int
    vm: str


def wanted_priorities(
    policy: KernelThreads | None, facts: HostFacts, placement: Placement
) -> dict[str, Wanted]:
    """By name of the thread, for those that the host has and that are managed."""
    if policy is None:
        return {}
    holding = [one for one in placement.vms if one.holds_policies]
    found: dict[str, Wanted] = {}
    for one in holding:
        priority = guest_priority(one, facts)
        for attribute in _OF_A_CPU:
            wanted = _wanted(policy, attribute, priority, one.vm.name)
            if wanted is not None:
                cpus = one.used & facts.cpus.online
                found.update({f"{attribute}/{cpu}": wanted for cpu in cpus})
    found.update(_boosters(policy, facts, holding))
    return {name: wanted for name, wanted in found.items() if name in facts.kernel_threads}


def guest_priority(placed: VmPlacement, facts: HostFacts) -> int:
    """The highest real-time priority that a vCPU of the VM is to have, or has where that is unmanaged; 0:
    none.
    """
    if placed.vm.vcpu_scheduler is not None:
        return placed.vm.vcpu_scheduler.priority
    domain = facts.domains.get(placed.vm.uuid)
    return max(
        (
            thread.priority
            for thread in (domain.threads if domain else ())
            if thread.policy in _REAL_TIME and thread.name.startswith("CPU ")
        ),
        default=0,
    )


def _boosters(
    policy: KernelThreads, facts: HostFacts, holding: list[VmPlacement]
) -> Iterator[tuple[str, Wanted]]:
    """Those that lend their priority are above all vCPUs: a reader of RCU may have stood on any CPU."""
    if not holding:
        return
    highest = max(holding, key=lambda one: guest_priority(one, facts))
    wanted = _wanted(policy, _BOOST, guest_priority(highest, facts), highest.vm.name)
    if wanted is not None:
        yield from (
            (name, wanted) for name in facts.kernel_threads if name.startswith(f"{_BOOST}/")
        )


def _wanted(policy: KernelThreads, attribute: str, guest_priority: int, vm: str) -> Wanted | None:
    asked = getattr(policy, attribute)
    if asked is None:
        return None
    if asked is not Above.GUESTS:
        return Wanted(attribute, asked, is_least=False, guest_priority=guest_priority, vm=vm)
    if guest_priority == 0:
        # Ordinary threads starve nobody.
        return None
    least = min(guest_priority + 1, MOST)
    return Wanted(attribute, least, is_least=True, guest_priority=guest_priority, vm=vm)

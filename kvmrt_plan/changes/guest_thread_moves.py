# SPDX-License-Identifier: Apache-2.0
"""Threads of a running guest that libvirt does not place: each goes to the emulator's CPU.

libvirt pins vCPUs, iothreads and QEMU's main thread. The others live in the emulator's cgroup, except for
those that were made elsewhere: kvm-pit is a thread of the kernel in the root's cgroup. It joins the guest's
own, as vhost's threads do: CPUs of a partition can be used from inside only (cgroup-v2.rst).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Change,
    Considered,
    Disturbance,
    Kind,
    NoChange,
    Reason,
    ReasonCode,
)
from kvmrt_plan.changes.guest_threads import thread_states
from kvmrt_plan.changes.live_pins import pin_of_thread
from kvmrt_plan.facts.guest_kthreads import kind_of_kthread
from kvmrt_plan.facts.slices import vm_slice
from kvmrt_plan.values.threadvalue import SETTABLE, format_scheduling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kvmrt_plan.changes.guest_threads import ThreadState
    from kvmrt_plan.facts.domain import Domain, Thread
    from kvmrt_plan.placement.model import VmPlacement
    from kvmrt_plan.values.cpuset import CpuSet

_EMULATOR = "emulatorpin"


def guest_thread_moves(
    placed: VmPlacement, domain: Domain, online: CpuSet, pins: Iterable[Considered]
) -> Iterator[Considered]:
    """A change for each thread that no pin moves and that is not as it should be.

    Args:
        placed: the VM and its share of the host.
        domain: its domain, which runs.
        online: CPUs that are.
        pins: what was considered of the guest's pins. Threads that live with the emulator move with its pin.
    """
    names = names_of_threads(domain.threads)
    emulator = f"vm/{placed.vm.name}/live/{_EMULATOR}"
    has_moving_pin = any(isinstance(one, Change) and one.address == emulator for one in pins)
    for state in thread_states(placed, domain, online):
        name = names.get(state.thread.tid)
        if name is None:
            continue
        if state.wanted is not None and (state.thread.is_outside or not has_moving_pin):
            yield from _place(placed, name, state, state.wanted)
        if state.wanted_policy is not None and state.thread.is_kernel:
            yield from _schedule(placed, name, state, state.wanted_policy)


def names_of_threads(threads: Iterable[Thread]) -> dict[int, str]:
    """A name for each thread that no pin moves, by its number: `kvm-pit`, `worker`, `worker 2`. The number in
    a name counts threads of that name, for process numbers change with every start.
    """
    counts: Counter[str] = Counter()
    found: dict[int, str] = {}
    for thread in sorted(threads, key=lambda one: one.tid):
        key, kind = pin_of_thread(thread.name), kind_of_kthread(thread.name)
        counts[kind] += 1
        # The first of QEMU's own name is its main thread, which the emulator's pin is read from.
        if key is None or (key == _EMULATOR and counts[kind] > 1):
            found[thread.tid] = kind if counts[kind] == 1 else f"{kind} {counts[kind]}"
    return found


def _place(
    placed: VmPlacement, name: str, state: ThreadState, wanted: CpuSet
) -> Iterator[Considered]:
    thread, vm = state.thread, placed.vm
    address, owner = f"vm/{vm.name}/thread/{name}/cpus", str(vm.uuid)
    reason = Reason(
        code=ReasonCode.CPU_BIAS,
        text=f"all threads of {vm.name} but its vCPUs run on CPU {placed.emulator}",
        source=vm.source_of("cpuset"),
    )
    now = state.place
    if state.is_misplaced:
        yield Change(
            kind=Kind.GUEST_THREAD,
            address=address,
            before=now,
            after=str(wanted),
            disturbance=Disturbance.GUEST,
            reason=reason,
            # A CPU outside of the slice that the guest runs in is refused, and so is a cgroup that has none.
            requires=(f"vm-slice/{vm_slice(vm.uuid)}", f"vm/{vm.name}/live/{_EMULATOR}"),
            owner=owner,
        )
    elif thread.is_kernel:
        # Of QEMU's own threads, which come and go, only the wrong ones are worth a line.
        yield NoChange(
            kind=Kind.GUEST_THREAD, address=address, value=now, reason=reason, owner=owner
        )


def _schedule(
    placed: VmPlacement, name: str, state: ThreadState, wanted: tuple[str, int]
) -> Iterator[Considered]:
    thread, vm = state.thread, placed.vm
    address, owner = f"vm/{vm.name}/thread/{name}/scheduler", str(vm.uuid)
    now, value = format_scheduling(thread.policy, thread.priority), format_scheduling(*wanted)
    attribute = "vcpu_scheduler" if vm.vcpu_scheduler is not None else "rt"
    reason = Reason(
        code=ReasonCode.REAL_TIME,
        text=f"vCPU 0, whose interrupts it delivers, has {value}",
        source=vm.source_of(attribute),
    )
    if now == value:
        yield NoChange(
            kind=Kind.GUEST_THREAD, address=address, value=now, reason=reason, owner=owner
        )
    elif now.partition(" ")[0] in SETTABLE:
        yield Change(
            kind=Kind.GUEST_THREAD,
            address=address,
            before=now,
            after=value,
            disturbance=Disturbance.GUEST,
            reason=reason,
            # Its priority is for the CPU of the guest, and not for whoever runs beside it now.
            requires=(f"vm/{vm.name}/thread/{name}/cpus",),
            owner=owner,
        )

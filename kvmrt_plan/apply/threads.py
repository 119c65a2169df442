# SPDX-License-Identifier: Apache-2.0
"""Threads of the kernel, and of running guests those that libvirt does not place, by name: which number they
have is looked up now.

A thread that has ended reads as wanted, also when it is taken back: there is nothing to do, and its guest may
well have ended too.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import subject_of
from kvmrt_plan.apply.kernel_files import parse_cpus
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.changes.guest_thread_moves import names_of_threads
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.kthreads import KernelThread
from kvmrt_plan.values.cpuset import EMPTY
from kvmrt_plan.values.threadvalue import (
    format_place,
    format_scheduling,
    parse_place,
    parse_scheduling,
)

if TYPE_CHECKING:
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.facts.domain import Thread
    from kvmrt_plan.ports import Host
    from kvmrt_plan.values.cpuset import CpuSet
    from kvmrt_plan.values.threadvalue import Place

THREAD_KINDS = frozenset({Kind.GUEST_THREAD, Kind.KERNEL_THREAD, Kind.KERNEL_THREAD_CPUS})

_ONLINE = "/sys/devices/system/cpu/online"
_GONE = "ESRCH"
_ROOT = "/"


def read_thread(host: Host, step: Step) -> str | None:
    """Where the thread may run, or how it is scheduled."""
    name, _, what = subject_of(step.kind, step.address).rpartition("/")
    thread = _find(host, step, name)
    if thread is None:
        return step.new
    if what == "scheduler":
        return format_scheduling(thread.policy, thread.priority)
    if isinstance(thread, KernelThread):
        return _as_asked(host, step, thread.affinity or EMPTY)
    value = format_place(thread.affinity, is_outside=thread.is_outside)
    # What the root is left with changes with every partition, also those of the same run.
    outside = (one for one in (step.new, step.old) if one and parse_place(one).is_outside)
    return next(outside, value) if thread.is_outside else value


def _as_asked(host: Host, step: Step, present: CpuSet) -> str:
    """The step's own value where that differs only in CPUs that are offline: the kernel leaves these out of
    what it is asked for, and keeps those that a thread has had before (kernel/cgroup/cpuset.c,
    cpuset_cpus_allowed).
    """
    online = parse_cpus(step.address, host.read(_ONLINE) or "")
    for asked in (step.new, step.old):
        if asked and parse_cpus(step.address, asked) & online == present & online:
            return asked
    return str(present)


def write_thread(host: Host, step: Step) -> None:
    """Move the thread, or schedule it.

    Raises:
        WriteRefusedError: the kernel refuses, or the value is none.
    """
    name, _, what = subject_of(step.kind, step.address).rpartition("/")
    thread = _find(host, step, name)
    if thread is None:
        return
    try:
        if what == "scheduler":
            host.threads.set_scheduling(thread.tid, *parse_scheduling(step.new))
        elif isinstance(thread, KernelThread):
            host.threads.set_cpus(thread.tid, parse_place(step.new).cpus)
        else:
            _place(host, thread, parse_place(step.new))
    except ValueError as error:
        raise WriteRefusedError(step.address, str(error)) from error
    except WriteRefusedError as error:
        # It ended between the look and the write.
        if error.errno_name != _GONE:
            raise


def _find(host: Host, step: Step, name: str) -> Thread | KernelThread | None:
    if step.kind is not Kind.GUEST_THREAD:
        return host.threads.kernel_thread(name)
    threads = host.domains.threads(step.owner)
    names = names_of_threads(threads)
    return next((one for one in threads if names.get(one.tid) == name), None)


def _place(host: Host, thread: Thread, place: Place) -> None:
    """Into the cgroup that the place means, then onto its CPUs; as it was when these are refused."""
    is_moved = thread.is_kernel and place.is_outside != thread.is_outside
    if is_moved and thread.home is not None:
        host.threads.move(thread.tid, _ROOT if place.is_outside else thread.home)
    try:
        host.threads.set_cpus(thread.tid, place.cpus)
    except WriteRefusedError:
        if is_moved and thread.cgroup is not None:
            with suppress(WriteRefusedError):
                host.threads.move(thread.tid, thread.cgroup)
                host.threads.set_cpus(thread.tid, thread.affinity)
        raise

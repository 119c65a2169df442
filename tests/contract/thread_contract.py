# SPDX-License-Identifier: Apache-2.0
"""What kvmrt expects of the kernel's threads; see kernel_contract.py. Those in a partition need systemd."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from contract.kernel_contract import offline
from contract.unit_contract import PARTITION, SLICE, core, own_slice

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.kthreads import parse_kthreads
from kvmrt_plan.values.cpuset import CpuSet
from kvmrt_plan.values.threadvalue import format_scheduling, parse_scheduling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contract.kernel_contract import Probe

    from kvmrt_plan.facts.kthreads import KernelThread

#: By name: what `behaviour` has collected; the second need a slice of systemd's.
THREAD_BEHAVIOURS: dict[str, Callable[[Probe], None]] = {}
PARTITION_BEHAVIOURS: dict[str, Callable[[Probe], None]] = {}
#: More than any process number can be (PID_MAX_LIMIT, include/linux/threads.h).
NOBODY = (1 << 22) + 1
#: Bound to no CPU, in every kernel with the audit or the hung task watch, and quiet.
UNBOUND = ("kauditd", "khungtaskd")


def behaviour(function: Callable[[Probe], None]) -> Callable[[Probe], None]:
    """Make the function part of the contract."""
    THREAD_BEHAVIOURS[function.__name__] = function
    return function


def partition_behaviour(function: Callable[[Probe], None]) -> Callable[[Probe], None]:
    """The same for what happens in a partition."""
    PARTITION_BEHAVIOURS[function.__name__] = function
    return function


def thread(probe: Probe, name: str) -> KernelThread:
    """The thread of the kernel, as it is now."""
    found = probe.host.threads.kernel_thread(name)
    assert found is not None, name
    return found


def unbound(probe: Probe) -> KernelThread:
    """A thread that may run on every CPU."""
    found = next(filter(None, map(probe.host.threads.kernel_thread, UNBOUND)))
    assert found.affinity is not None
    assert found.affinity >= probe.online
    return found


def refusal(call: Callable[[], None]) -> str:
    """The name of the errno."""
    with pytest.raises(WriteRefusedError) as caught:
        call()
    return caught.value.errno_name


@contextmanager
def scheduled(probe: Probe, name: str, value: str) -> Iterator[KernelThread]:
    """The thread has this policy and priority in the body."""
    before = thread(probe, name)
    old = parse_scheduling(format_scheduling(before.policy, before.priority))
    probe.host.threads.set_scheduling(before.tid, *parse_scheduling(value))
    try:
        yield before
    finally:
        probe.host.threads.set_scheduling(before.tid, *old)
        assert thread(probe, name) == before


def scheduling_of(probe: Probe, name: str) -> str:
    """Policy and priority as a plan writes them."""
    found = thread(probe, name)
    return format_scheduling(found.policy, found.priority)


def names_of(probe: Probe) -> list[str]:
    """Threads of the probe's CPU: rcuc and ktimers only where the kernel has them."""
    known = parse_kthreads(probe.host.capture())
    names = [f"{kind}/{probe.cpu}" for kind in ("rcuc", "ktimers", "ksoftirqd")]
    assert names[-1] in known
    return [name for name in names if name in known]


@behaviour
def threads_of_a_cpu_take_any_priority_and_give_it_back(probe: Probe) -> None:
    for name in names_of(probe):
        for value in ("fifo 3", "rr 2", "other"):
            with scheduled(probe, name, value):
                assert scheduling_of(probe, name) == value


@behaviour
def threads_of_a_cpu_refuse_every_affinity(probe: Probe) -> None:
    for name in names_of(probe):
        tid = thread(probe, name).tid
        for cpus in (CpuSet((0,)), CpuSet((probe.cpu,)), probe.online):
            assert (
                refusal(lambda tid=tid, cpus=cpus: probe.host.threads.set_cpus(tid, cpus))
                == "EINVAL"
            )


@behaviour
def threads_of_a_cpu_keep_number_and_priority_over_hotplug(probe: Probe) -> None:
    for name in names_of(probe):
        with scheduled(probe, name, "fifo 4") as before:
            with offline(probe):
                assert scheduling_of(probe, name) == "fifo 4"
                probe.host.threads.set_scheduling(before.tid, "fifo", 5)
            assert scheduling_of(probe, name) == "fifo 5"
            assert thread(probe, name).tid == before.tid


@behaviour
def a_thread_that_is_bound_to_no_cpu_moves_and_comes_back(probe: Probe) -> None:
    before = unbound(probe)
    probe.host.threads.set_cpus(before.tid, CpuSet((0, probe.sibling)))
    assert str(thread(probe, before.name).affinity) == str(CpuSet((0, probe.sibling)))
    probe.host.threads.set_cpus(before.tid, before.affinity or CpuSet())
    assert thread(probe, before.name).affinity == before.affinity


@behaviour
def kcompactd_is_bound_to_its_node_anew_by_every_cpu_that_comes(probe: Probe) -> None:
    names = [name for name in parse_kthreads(probe.host.capture()) if name.startswith("kcompactd")]
    assert names
    nodes = "/sys/devices/system/node/node"
    own = {name: probe.cpus(f"{nodes}{name.removeprefix('kcompactd')}/cpulist") for name in names}
    elsewhere = CpuSet((0,))
    for name in names:
        probe.host.threads.set_cpus(thread(probe, name).tid, elsewhere)
    with offline(probe):
        assert {thread(probe, name).affinity for name in names} == {elsewhere}
    for name in names:
        # Since Linux 6.2 it stays within what somebody has asked for, where that has a CPU of its node
        # (kernel/sched/core.c, user_cpus_ptr).
        assert thread(probe, name).affinity in (own[name], own[name] & elsewhere)


@behaviour
def cpus_of_which_none_is_online_are_refused(probe: Probe) -> None:
    before = unbound(probe)
    with offline(probe):
        gone = CpuSet((probe.cpu,))
        assert refusal(lambda: probe.host.threads.set_cpus(before.tid, gone)) == "EINVAL"


@behaviour
def a_thread_that_is_not_there_is_told_as_such(probe: Probe) -> None:
    threads = probe.host.threads
    assert threads.kernel_thread("nobody/7") is None
    assert refusal(lambda: threads.set_cpus(NOBODY, CpuSet((0,)))) == "ESRCH"
    assert refusal(lambda: threads.set_scheduling(NOBODY, "fifo", 1)) == "ESRCH"


@partition_behaviour
def the_root_keeps_its_threads_off_a_partition(probe: Probe) -> None:
    before = unbound(probe)
    with own_slice(probe, core(probe)):
        probe.host.write(PARTITION, "isolated")
        rest = probe.online - core(probe)
        assert thread(probe, before.name).affinity == rest
        own = CpuSet((probe.cpu,))
        assert refusal(lambda: probe.host.threads.set_cpus(before.tid, own)) == "EINVAL"
        probe.host.threads.set_cpus(before.tid, CpuSet((0, probe.cpu)))
        assert thread(probe, before.name).affinity == CpuSet((0,))
    probe.host.threads.set_cpus(before.tid, before.affinity or CpuSet())
    assert thread(probe, before.name).affinity == before.affinity


@partition_behaviour
def a_thread_that_was_bound_is_bound_again_beside_a_partition_and_after_it(probe: Probe) -> None:
    before, threads = unbound(probe), probe.host.threads
    own = CpuSet((0,))
    threads.set_cpus(before.tid, own)
    with own_slice(probe, core(probe)):
        probe.host.write(PARTITION, "isolated")
        # Linux 6.1 forgets it. Since 6.2 it remembers what somebody has asked for, and forgets as well what
        # it has bound itself (kernel/sched/core.c, user_cpus_ptr).
        assert thread(probe, before.name).affinity in (own, probe.online - core(probe))
        threads.set_cpus(before.tid, own)
        assert thread(probe, before.name).affinity == own
    assert thread(probe, before.name).affinity in (own, probe.online)
    threads.set_cpus(before.tid, before.affinity or CpuSet())
    assert thread(probe, before.name).affinity == before.affinity


@partition_behaviour
def a_thread_of_the_kernel_moves_into_a_partition_and_out_again(probe: Probe) -> None:
    before, threads = unbound(probe), probe.host.threads
    with own_slice(probe, core(probe)):
        probe.host.write(PARTITION, "isolated")
        threads.move(before.tid, f"/{SLICE}")
        assert thread(probe, before.name).affinity == core(probe)
        threads.set_cpus(before.tid, CpuSet((probe.cpu,)))
        assert thread(probe, before.name).affinity == CpuSet((probe.cpu,))
        assert refusal(lambda: threads.set_cpus(before.tid, CpuSet((0,)))) == "EINVAL"
        # The root does not keep who comes off its partitions (kernel/cgroup/cpuset.c, cpuset_attach).
        threads.move(before.tid, "/")
        assert thread(probe, before.name).affinity == probe.online
        threads.set_cpus(before.tid, probe.online)
        assert thread(probe, before.name).affinity == probe.online - core(probe)
    threads.set_cpus(before.tid, before.affinity or CpuSet())
    assert thread(probe, before.name).affinity == before.affinity


@partition_behaviour
def a_thread_of_one_cpu_stays_in_the_root(probe: Probe) -> None:
    tid = thread(probe, f"ksoftirqd/{probe.cpu}").tid
    with own_slice(probe, core(probe)):
        assert refusal(lambda: probe.host.threads.move(tid, f"/{SLICE}")) == "EINVAL"

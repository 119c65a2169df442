# SPDX-License-Identifier: Apache-2.0
"""Threads of a running guest are found by name, moved and moved back; one that has gone is no failure."""

from __future__ import annotations

import pytest
from guest_hosts import GATEWAY, quiet_host

from kvmrt_plan.apply.step import Step
from kvmrt_plan.apply.threads import read_thread, write_thread
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.values.cpuset import CpuSet

UNIT = "kvmrt0000000000000000000000000000000f.slice"
PARTITION = f"/sys/fs/cgroup/{UNIT}/cpuset.cpus.partition"
TIMER = 5500


def step(old: str, new: str, what: str = "kvm-pit/cpus") -> Step:
    return Step(1, Kind.GUEST_THREAD, f"vm/gateway/thread/{what}", old, new, GATEWAY)


def partitioned() -> SimulatedHost:
    """The gateway runs in a partition of CPUs 1-3, its emulator on CPU 1; its timer is left outside."""
    own = "/" + UNIT.removesuffix(".slice")
    host = SimulatedHost(
        quiet_host(
            lambda xml: xml.replace(
                "  <os>", f"  <resource><partition>{own}</partition></resource>\n  <os>", 1
            )
        )
    )
    for unit in ("init.scope", "system.slice", "user.slice"):
        host.set_allowed_cpus(unit, CpuSet(range(4, 32)))
    host.make_slice(UNIT, CpuSet((1, 2, 3)))
    host.write(PARTITION, "isolated")
    assert host.read(PARTITION) == "isolated\n"
    host.domains.start(GATEWAY)
    return host


def test_the_timer_moves_into_the_partition_of_its_guest_and_back():
    host = partitioned()
    before = host.capture()
    move = step("host 0,4-31", "1")

    assert read_thread(host, move) == "host 0,4-31"
    write_thread(host, move)
    assert read_thread(host, move) == "1"
    assert host.read(f"/proc/{TIMER}/cgroup") == host.read("/proc/5000/cgroup")
    write_thread(host, move.reversed())

    assert host.capture() == before


def test_from_outside_the_cpus_of_a_partition_are_refused():
    host = partitioned()

    with pytest.raises(WriteRefusedError) as caught:
        host.threads.set_cpus(TIMER, CpuSet((1,)))
    assert caught.value.errno_name == "EINVAL"


def test_a_move_that_is_refused_leaves_the_thread_where_it_was():
    host = partitioned()
    before = host.capture()

    with pytest.raises(WriteRefusedError) as caught:
        write_thread(host, step("host 0,4-31", "7"))

    assert caught.value.errno_name == "EINVAL"
    assert host.capture() == before


def test_the_timer_is_scheduled_and_scheduled_back():
    host = partitioned()
    before = host.capture()
    change = step("other", "fifo 2", "kvm-pit/scheduler")

    write_thread(host, change)
    assert read_thread(host, change) == "fifo 2"
    write_thread(host, change.reversed())

    assert host.capture() == before


@pytest.mark.parametrize("what", ["worker/cpus", "vhost 2/scheduler"])
def test_a_thread_that_has_ended_is_as_it_should_be(what):
    host = partitioned()
    change = step("host 0", "1", what)

    write_thread(host, change)

    assert read_thread(host, change) == "1"
    assert read_thread(host, change.reversed()) == "host 0"


def test_a_thread_that_ends_in_between_is_no_failure():
    host = partitioned()
    threads = host.domains.threads(GATEWAY)
    host.domains.threads = lambda _uuid: threads
    host.domains.destroy(GATEWAY)

    write_thread(host, step("host 0,4-31", "1"))

    assert host.domains.state(GATEWAY) == "shut off"


@pytest.mark.parametrize(
    ("what", "value"),
    [("kvm-pit/cpus", "x"), ("kvm-pit/scheduler", "fifo"), ("kvm-pit/scheduler", "fifo 100")],
)
def test_a_value_that_is_none_is_refused_before_anything_is_written(what, value):
    host = partitioned()
    before = host.capture()

    with pytest.raises(WriteRefusedError):
        write_thread(host, step("1", value, what))
    assert host.capture() == before

# SPDX-License-Identifier: Apache-2.0
"""Guests of a simulated host start and stop as those of libvirt do."""

from __future__ import annotations

import pytest
from guest_hosts import GATEWAY, HMI, IO, quiet_host

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.hosts.simulated.host import SimulatedHost


def threads(host: SimulatedHost, uuid: str) -> list[tuple[str, str, str, int]]:
    found = host.domains.threads(uuid)
    return [(one.name, str(one.affinity), one.policy, one.priority) for one in found]


def test_a_guest_starts_with_its_threads_on_its_pins():
    host = SimulatedHost(quiet_host())

    host.domains.start(GATEWAY)

    assert host.domains.state(GATEWAY) == "running"
    assert threads(host, GATEWAY) == [
        ("qemu-system-x86", "1", "SCHED_OTHER", 0),
        ("call_rcu", "1", "SCHED_OTHER", 0),
        ("IO mon_iothread", "1", "SCHED_OTHER", 0),
        ("CPU 0/KVM", "2", "SCHED_OTHER", 0),
        ("CPU 1/KVM", "3", "SCHED_OTHER", 0),
        ("kvm-pit/5000", "0-31", "SCHED_OTHER", 0),
    ]


def test_schedulers_iothreads_and_emulation_show_in_the_threads():
    def edit(xml: str) -> str:
        return (
            xml.replace("<cputune>", "<iothreads>1</iothreads><cputune>")
            .replace(
                "  </cputune>",
                "<emulatorsched scheduler='rr' priority='2'/>"
                "<vcpusched vcpus='1' scheduler='fifo' priority='3'/>"
                "<iothreadsched iothreads='1' scheduler='fifo' priority='4'/></cputune>",
            )
            .replace("type='kvm'", "type='qemu'")
        )

    host = SimulatedHost(quiet_host(edit))
    host.domains.start(GATEWAY)

    assert threads(host, GATEWAY) == [
        ("qemu-system-x86", "1", "SCHED_RR", 2),
        ("call_rcu", "1", "SCHED_OTHER", 0),
        ("IO mon_iothread", "1", "SCHED_OTHER", 0),
        ("IO iothread1", "0-31", "SCHED_FIFO", 4),
        ("CPU 0/TCG", "2", "SCHED_OTHER", 0),
        ("CPU 1/TCG", "3", "SCHED_FIFO", 3),
    ]


def test_threads_run_on_the_online_part_of_their_pins():
    host = SimulatedHost(
        quiet_host(lambda xml: xml.replace("vcpu='0' cpuset='8'", "vcpu='0' cpuset='8,24'"))
    )
    host.write("/sys/devices/system/cpu/cpu24/online", "0")

    host.domains.start(HMI)

    assert ("CPU 0/KVM", "8", "SCHED_OTHER", 0) in threads(host, HMI)


def test_a_pin_without_an_online_cpu_is_refused_as_the_kernel_does():
    host = SimulatedHost(quiet_host())
    host.write("/sys/devices/system/cpu/cpu6/online", "0")

    with pytest.raises(WriteRefusedError, match=r"cannot set CPU affinity on process .*Invalid"):
        host.domains.start(IO)
    assert host.domains.state(IO) == "shut off"


def test_a_guest_is_not_started_twice():
    host = SimulatedHost(quiet_host())
    host.domains.start(IO)

    with pytest.raises(WriteRefusedError, match="already running"):
        host.domains.start(IO)


@pytest.mark.parametrize("end", ["shutdown", "destroy"])
def test_a_guest_that_ends_leaves_nothing(end):
    host = SimulatedHost(quiet_host())
    before = host.capture()
    host.domains.start(IO)

    getattr(host.domains, end)(IO)

    assert host.capture() == before


@pytest.mark.parametrize("act", ["shutdown", "destroy"])
def test_a_guest_that_is_off_cannot_be_stopped(act):
    with pytest.raises(WriteRefusedError, match="domain is not running"):
        getattr(SimulatedHost(quiet_host()).domains, act)(IO)


def test_a_guest_without_acpi_does_not_notice_its_power_button():
    host = SimulatedHost(quiet_host(lambda xml: xml.replace("    <acpi/>\n", "")))
    host.domains.start(IO)

    host.domains.shutdown(IO)

    assert host.domains.state(IO) == "running"

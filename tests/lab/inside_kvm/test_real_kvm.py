# SPDX-License-Identifier: Apache-2.0
"""A real-time VM under real KVM: booted, looked at, disturbed, changed inside, shut down. In this order."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path

from agent_guest import assert_changed_once_and_given_back, inside
from lab.inside.host_values import differences, host_values, without_cpusets
from lab.inside.story import kvmrt
from lab.inside_kvm.guest import CONFIGURATION, NAME, UUID

URI = "qemu:///system"
#: For the agent's first answer.
SECONDS = 400
#: Of the guest: its slice, its scope of systemd-machined, libvirt's own below.
DOMAIN_GROUP = rf"/kvmrt{UUID.replace('-', '')}.slice/machine-qemu\x2d1\x2d{NAME}.scope/libvirt"


def text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8").strip()


def keep(name: str, output: str) -> None:
    """Leave it in /lab for who looks at a failure."""
    Path("/lab", name).write_text(output)


def parameters() -> dict[str, str]:
    names = ("kvmclock_periodic_sync", "nx_huge_pages", "halt_poll_ns")
    return {name: text(f"/sys/module/kvm/parameters/{name}") for name in names}


def test_every_thread_of_the_guest_is_in_its_place_after_boot(story):
    status, output = kvmrt("boot", "-f", story.file, NAME)
    keep("boot", output)
    assert status == 0, output
    assert "every thread where it belongs" in output

    threads = story.threads()
    keep("threads.json", json.dumps(threads, indent=1))
    emulator = f"{DOMAIN_GROUP}/emulator"
    assert threads == {
        "CPU 0/KVM": ("4", "fifo 1", f"{DOMAIN_GROUP}/vcpu0"),
        "CPU 1/KVM": ("6", "fifo 1", f"{DOMAIN_GROUP}/vcpu1"),
        "qemu-system-x86": ("2", "other", emulator),
        "IO mon_iothread": ("2", "other", emulator),
        "kvm-nx-lpage-recovery-PID": ("2", "other", emulator),
        "kvm-pit/PID": ("2", "fifo 1", emulator),
        "vhost-PID": ("2", "other", emulator),
    }


def test_the_guests_memory_is_locked(story):
    lines = text(f"/proc/{story.pid}/status").splitlines()
    locked = next(line.split()[1] for line in lines if line.startswith("VmLck"))

    assert int(locked) >= 192 << 10


def test_commands_name_the_threads_for_what_they_are(story):
    status, output = kvmrt("stat", "-f", story.file, "--json", NAME)
    keep("stat.json", output)
    assert status == 0, output
    (vm,) = json.loads(output)["vms"]
    pid = str(story.pid)
    roles = {one["name"].replace(pid, "PID"): one["role"] for one in vm["threads"]}
    roles.pop("worker", None)
    assert roles == {
        "CPU 0/KVM": "vCPU 0",
        "CPU 1/KVM": "vCPU 1",
        "qemu-system-x86": "emulator",
        "IO mon_iothread": "monitor I/O",
        "kvm-nx-lpage-recovery-PID": "page tables",
        "kvm-pit/PID": "timer",
        "vhost-PID": "network I/O",
    }
    assert [one for one in vm["threads"] if one["deviates"]] == []
    assert vm["missing_policies"] == []
    assert vm["locked_kib"] >= 192 << 10

    status, output = kvmrt("tasks", "-c", "2,4,6", "--json")
    keep("tasks.json", output)
    assert status == 0, output
    tasks = json.loads(output)["tasks"]
    of_the_guest = {
        one["name"] for one in tasks if pid in (str(one["pid"]), one["name"].split("/")[-1])
    }
    assert {"CPU 0/KVM", "CPU 1/KVM", f"kvm-pit/{pid}"} <= of_the_guest


def test_a_second_plan_is_empty(story):
    status, output = kvmrt("plan", "-f", story.file, "--detailed-exitcode", NAME)

    keep("plan", output)
    assert status == 0, output


def test_the_modules_parameters_are_held_and_the_others_wait(story):
    before = {name: story.before[f"/sys/module/kvm/parameters/{name}"] for name in parameters()}

    assert before == {
        "kvmclock_periodic_sync": "Y", "nx_huge_pages": "N", "halt_poll_ns": "200000",
    }  # fmt: skip
    assert parameters() == {
        "kvmclock_periodic_sync": "Y", "nx_huge_pages": "Y", "halt_poll_ns": "0",
    }  # fmt: skip
    assert text("/etc/modprobe.d/kvmrt.conf").splitlines()[1:] == [
        "options kvm kvmclock_periodic_sync=N nx_huge_pages=Y halt_poll_ns=0"
    ]


def test_the_guests_clock_is_the_hosts(story):
    facts = inside(URI, UUID, SECONDS)

    assert facts.clocks == {0: "KVM virtual PTP"}
    assert story.ask(
        "cat /sys/devices/system/clocksource/clocksource0/current_clocksource; ls /dev/ptp*"
    ).split() == ["kvm-clock", "/dev/ptp0"]


def test_the_guest_is_changed_once_and_given_back(story):
    assert_changed_once_and_given_back(lambda: inside(URI, UUID, SECONDS), kvmrt, Path(story.file))


def test_a_sibling_that_came_back_goes_again_beside_the_running_guest(story, tmp_path):
    threads = story.threads()
    Path("/sys/devices/system/cpu/cpu5/online").write_text("1")

    codes, addresses = planned(story.file)
    assert "KR139" in codes
    assert "cpu/5" in addresses

    # The lab boots with rcutree.kthread_prio=10.
    unlimited = tmp_path / "unlimited.yaml"
    unlimited.write_text(CONFIGURATION.replace("host:\n", "host:\n  rt_throttling: false\n"))
    assert "KR138" not in planned(str(unlimited))[0]
    with at_priority(story.tid("CPU 0/KVM"), 10):
        assert "KR138" in planned(str(unlimited))[0]

    status, output = kvmrt("apply", "-f", story.file, "--yes", NAME)
    keep("apply-hotplug", output)
    assert status in (0, 7), output
    assert text("/sys/devices/system/cpu/cpu5/online") == "0"
    assert story.threads() == threads


def planned(file: str) -> tuple[set[str], set[str]]:
    """The codes of a plan's findings, and what its actions change."""
    document = json.loads(kvmrt("plan", "-f", file, "--json", NAME)[1])
    return (
        {one["code"] for one in document["findings"]},
        {one["address"] for one in document.get("actions", [])},
    )


@contextmanager
def at_priority(tid: int, priority: int):
    """The thread has another real-time priority meanwhile."""
    before = os.sched_getparam(tid)
    os.sched_setscheduler(tid, os.SCHED_FIFO, os.sched_param(priority))
    try:
        yield
    finally:
        os.sched_setscheduler(tid, os.SCHED_FIFO, before)


def test_shutdown_leaves_every_value_of_the_host_as_it_was(story):
    status, output = kvmrt("shutdown", "-f", story.file, "--timeout", str(SECONDS))
    keep("shutdown", output)
    assert status == 0, output
    assert story.domain.isActive() == 0
    left = without_cpusets(differences(story.before, host_values()))
    keep("differences.json", json.dumps(left, indent=1))

    # Options of modules are for every later boot: they stay until the configuration has none.
    left.pop("/etc/modprobe.d/kvmrt.conf", None)
    assert left == {}

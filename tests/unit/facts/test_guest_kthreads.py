# SPDX-License-Identifier: Apache-2.0
"""The kernel's threads for a guest are told by their names, and belong to its process."""

from __future__ import annotations

import pytest

from kvmrt_plan.facts.guest_kthreads import kind_of_kthread, kthreads_of_guests
from kvmrt_plan.facts.snapshot import Snapshot

EMULATOR = "/machine.slice/vm.scope/libvirt/emulator"


def kthread(
    number: int, name: str, *, cgroup: str = "0::/\n", policy: str = "0 0"
) -> dict[str, str]:
    folder = f"/proc/{number}"
    return {
        f"{folder}/stat": f"{number} ({name}) S 2 0 0 0 0 2097152{' 0' * 28} 17 3 {policy} 0 0 0\n",
        f"{folder}/status": f"Name:\t{name}\nCpus_allowed_list:\t0-3\n",
        f"{folder}/cgroup": cgroup,
    }


def found(*threads: dict[str, str], home: str = f"0::{EMULATOR}\n"):
    files = {
        "/proc/400/cgroup": home,
        "/proc/400/cmdline": "qemu\0",
        "/proc/400/task/407/stat": "407 (CPU 0/KVM) S",
    }
    for one in threads:
        files |= one
    snapshot = Snapshot(name="h", captured="2026-11-22T10:12:00Z", files=files)
    return kthreads_of_guests(snapshot, ("/proc/400", "/proc/500"))


def test_a_timer_in_the_cgroup_of_the_root_is_outside_of_its_guest():
    (thread,) = found(kthread(450, "kvm-pit/400", policy="2 1"))["/proc/400"]

    assert (thread.name, str(thread.affinity), thread.policy, thread.priority) == (
        "kvm-pit/400", "0-3", "SCHED_FIFO", 2,
    )  # fmt: skip
    assert (thread.is_kernel, thread.is_outside, thread.cgroup) == (True, True, "/")


def test_a_thread_in_the_cgroup_of_its_guest_is_not():
    own = kthread(451, "vhost-407", cgroup=f"0::{EMULATOR}\n")
    (thread,) = found(own)["/proc/400"]

    assert (thread.name, thread.is_outside) == ("vhost-407", False)


@pytest.mark.parametrize("cgroup", ["", "4:cpuset:/\n0::/\n"])
def test_where_cgroups_do_not_say_a_thread_is_not_outside(cgroup):
    (thread,) = found(kthread(450, "kvm-pit/400", cgroup=cgroup))["/proc/400"]

    assert (thread.is_outside, thread.cgroup) == (False, None)


@pytest.mark.parametrize(
    "name", ["kvm-pit/999", "kvm-pit", "vhost-", "kvm-irqfd-clean", "vhost-net"]
)
def test_threads_of_no_guest_are_left_out(name):
    assert found(kthread(450, name)) == {}


def test_a_thread_that_ended_while_it_was_read_is_left_out():
    half = kthread(450, "kvm-pit/400")
    del half["/proc/450/status"]

    assert found(half) == {}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("kvm-pit/400", "kvm-pit"),
        ("vhost-400", "vhost"),
        ("kvm-nx-lpage-recovery-400", "kvm-nx-lpage-recovery"),
        ("worker", "worker"),
        ("vhost-user", "vhost-user"),
    ],
)
def test_the_number_is_no_part_of_what_a_thread_is_for(name, kind):
    assert kind_of_kthread(name) == kind

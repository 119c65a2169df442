# SPDX-License-Identifier: Apache-2.0
"""Which threads of the kernel a snapshot tells of, and what may be done with them."""

from __future__ import annotations

from kvmrt_plan.facts.kthreads import awaited_priorities, parse_kthreads
from kvmrt_plan.facts.snapshot import Snapshot
from kvmrt_plan.facts.task import is_movable_kthread

KTHREAD, BOUND = 0x00200000, 0x04000000


def texts(
    tid: int, name: str, *, flags: int, priority: int = 0, allowed: str = ""
) -> dict[str, str]:
    policy = int(priority > 0)
    found = {
        f"/proc/{tid}/stat": f"{tid} ({name}) S 2 0 0 0 -1 {flags}{' 0' * 28} 17 3 {priority} {policy} 0\n"
    }
    if allowed:
        found[f"/proc/{tid}/status"] = f"Name:\t{name}\nCpus_allowed_list:\t{allowed}\n"
    return found


def parsed(*some: dict[str, str]):
    files = {path: text for one in some for path, text in one.items()}
    found = parse_kthreads(Snapshot(name="h", captured="2026-11-22T10:12:00Z", files=files))
    return {
        name: (
            one.tid,
            one.policy,
            one.priority,
            None if one.affinity is None else str(one.affinity),
        )
        for name, one in found.items()
    }


def test_threads_of_a_cpu_have_a_priority_and_no_place():
    assert parsed(
        texts(57, "rcuc/6", flags=KTHREAD | BOUND, priority=1, allowed="6"),
        texts(58, "ksoftirqd/6", flags=KTHREAD | BOUND),
    ) == {"rcuc/6": (57, "SCHED_FIFO", 1, None), "ksoftirqd/6": (58, "SCHED_OTHER", 0, None)}


def test_threads_that_are_bound_to_no_cpu_have_one():
    assert parsed(texts(60, "kauditd", flags=KTHREAD, allowed="0-3")) == {
        "kauditd": (60, "SCHED_OTHER", 0, "0-3")
    }


def test_of_several_with_one_name_each_has_its_own():
    found = parsed(
        *(texts(tid, "scsi_eh", flags=KTHREAD, allowed="0-3") for tid in (7, 100, 20)),
    )
    assert [(name, one[0]) for name, one in found.items()] == [
        ("scsi_eh", 7), ("scsi_eh 2", 20), ("scsi_eh 3", 100),
    ]  # fmt: skip


def test_those_that_the_kernel_places_itself_have_no_place():
    found = parsed(
        texts(7, "irq/45-eth0", flags=KTHREAD, priority=50, allowed="1"),
        texts(8, "rcub/0", flags=KTHREAD, priority=1, allowed="0-3"),
    )
    assert [one[3] for one in found.values()] == [None, None]


def test_those_that_work_for_a_guest_are_none_of_them():
    assert parsed(texts(7, "kvm-pit/400", flags=KTHREAD, allowed="0-3")) == {}


def test_the_priority_of_rcuc_counts_for_hotplug_and_that_of_ktimers_does_not():
    files = texts(1, "rcuc/2", flags=KTHREAD, priority=4) | texts(2, "ktimers/2", flags=KTHREAD)
    files |= texts(3, "ksoftirqd/2", flags=KTHREAD)
    snapshot = Snapshot(name="h", captured="2026-11-22T10:12:00Z", files=files)

    assert awaited_priorities(parse_kthreads(snapshot).values()) == {2: 4}


def test_what_may_be_moved_is_told_by_its_flags():
    def stat(flags: object) -> str:
        return f"9 (x) y) S 2 0 0 0 -1 {flags} 0 0"

    assert is_movable_kthread(stat(KTHREAD))
    assert not is_movable_kthread(stat(KTHREAD | BOUND))
    assert not is_movable_kthread(stat(0x00400000))
    assert not is_movable_kthread(stat("x"))
    assert not is_movable_kthread("")

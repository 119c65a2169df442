# SPDX-License-Identifier: Apache-2.0
"""What the counting reads, from texts of the lab's kernel."""

from __future__ import annotations

from collections import Counter

import pytest
from lab.isolation import counting, load
from lab.isolation.interrupts import Line, parse_interrupts
from lab.isolation.tasks import kind_by_name
from lab.isolation.trace import Event, parse_events

TRACE = """\
# tracer: nop
#
#           TASK-PID     CPU#  |||||||  TIMESTAMP  FUNCTION
          <idle>-0       [004] d..2...   131.004511: sched_switch: prev_comm=swapper/4 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=kworker/4:1 next_pid=64 next_prio=120
     kworker/4:1-64      [004] .......   131.004602: workqueue_execute_start: work struct 00000000a9d2d1a4: function vmstat_update
          <idle>-0       [004] d.h1...   131.101002: hrtimer_expire_entry: hrtimer=0000000061f1c1b7 function=tick_sched_timer now=131100998423
      rcuc/4-48      [004] ..s....   131.101102: softirq_entry: vec=9 [action=RCU]
 CPU 0/TCG a-b-712     [004] d..2...   131.104511: sched_switch: prev_comm=CPU 0/TCG a-b prev_pid=712 prev_prio=98 prev_state=S ==> next_comm=a ==> b next_pid=713 next_prio=120
"""  # noqa: E501  as the kernel prints them

INTERRUPTS = """\
           CPU0       CPU2       CPU4
  0:        130          0          0  IO-APIC   2-edge      timer
 24:          0         12          3  PCI-MSI 49152-edge      nvme0q0
LOC:      40110       3021         17   Local timer interrupts
RES:          1          0          2   Rescheduling interrupts
NMI:          0          0          4   Non-maskable interrupts
ERR:          0
"""

IDLE = dict.fromkeys((2, 4))


def test_switches_work_items_and_timers_are_read_from_a_trace():
    assert list(parse_events(TRACE.splitlines())) == [
        Event(4, "sched_switch", "kworker/4:1", 64, ""),
        Event(4, "workqueue_execute_start", "", 0, "vmstat_update"),
        Event(4, "hrtimer_expire_entry", "", 0, "tick_sched_timer"),
        Event(4, "softirq_entry", "", 0, "RCU"),
        Event(4, "sched_switch", "a ==> b", 713, ""),
    ]


def test_a_line_that_is_no_event_is_not_passed_over():
    with pytest.raises(ValueError, match="CPU 4 lost"):
        list(parse_events(["CPU 4 lost 12 events\n"]))


def test_interrupts_have_their_counts_on_cpus_that_are_online():
    counts = parse_interrupts(INTERRUPTS)

    assert {line.kind for line in counts if line.name.endswith("timer")} == {"other"}
    assert {(line.label, line.kind, line.cpu): n for line, n in counts.items() if n} == {
        ("0", "other", 0): 130,
        ("24", "device", 2): 12, ("24", "device", 4): 3,
        ("LOC", "tick", 0): 40110, ("LOC", "tick", 2): 3021, ("LOC", "tick", 4): 17,
        ("RES", "ipi", 0): 1, ("RES", "ipi", 4): 2,
        ("NMI", "other", 4): 4,
    }  # fmt: skip


def test_each_event_is_in_its_column_and_under_its_name():
    found = {cpu: counting.Counted() for cpu in IDLE}
    passed = Counter(parse_interrupts(INTERRUPTS))
    passed[Line("25", "PCI-MSI 1-edge virtio1-input.0", 4)] = 9

    counting.add_events(found, parse_events(TRACE.splitlines()), {64: "bound", 713: "guest"})
    counting.add_interrupts(found, passed, immovable=frozenset({"24"}))

    assert {cpu: (dict(one.columns), dict(one.events)) for cpu, one in found.items()} == {
        2: ({"managed": 12, "tick": 3021},
            {"managed: 24 PCI-MSI 49152-edge nvme0q0": 12,
             "tick: LOC Local timer interrupts": 3021}),
        4: ({"bound": 1, "guest": 1, "work": 1, "managed": 3, "movable": 9, "tick": 17, "ipi": 2,
             "other": 4},
            {"bound: kworker/4:1": 1, "work: vmstat_update": 1, "timer: tick_sched_timer": 1,
             "softirq: RCU": 1,
             "guest: a ==> b": 1, "managed: 24 PCI-MSI 49152-edge nvme0q0": 3,
             "movable: 25 PCI-MSI 1-edge virtio1-input.0": 9,
             "tick: LOC Local timer interrupts": 17, "ipi: RES Rescheduling interrupts": 2,
             "other: NMI Non-maskable interrupts": 4}),
    }  # fmt: skip


def test_a_task_that_is_gone_is_told_by_its_name():
    names = ("kworker/u16:2", "kworker/4:1H-kblockd", "kworker/4:0", "true", "ktimers/4")
    assert [kind_by_name(name) for name in names] == ["unbound", "bound", "bound", "user", "user"]


def wait_for(path) -> None:
    for _ in range(3000):
        if path.exists():
            return
        load.time.sleep(0.01)
    raise AssertionError(f"no {path}")


# What a load forks is a test's own worker, which has threads.
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_load_stands_still_until_it_is_resumed_and_ends_with_its_block(tmp_path):
    log = tmp_path / "log"

    def once() -> None:
        with log.open("a") as file:
            file.write("x")
        load.time.sleep(0.001)

    with load.Load() as running:
        running.start(once)
        assert not log.exists()
        running.resume()
        wait_for(log)
        running.pause()
        written = log.read_text()
        load.time.sleep(0.05)
        assert log.read_text() == written


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_load_that_ends_by_itself_is_an_error():
    def fails() -> None:
        raise OSError("no such disk")

    running = load.Load()
    running.start(fails)
    running.resume()
    load.time.sleep(0.2)
    with pytest.raises(RuntimeError, match="a load has ended"):
        running.pause()

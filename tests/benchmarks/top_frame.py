# SPDX-License-Identifier: Apache-2.0
"""Processor time of `kvmrt top` for one second: 64 CPUs of which 32 belong to a VM, 300 interrupts, and a
machine with 2,000 more threads, which must make no difference. At most 10 ms, 1 % of one CPU, as user and
system time of this process: the tables of the kernel are read here, a large one is parsed beside them.
Ends with 1 when it is more.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from map_hosts import synthetic

from kvmrt_plan.cli.top import Boxes, take_sample
from kvmrt_plan.facts.activity import parse_totals, per_second
from kvmrt_plan.hosts.switches import SwitchCounter
from kvmrt_plan.hosts.watch import Watch
from kvmrt_plan.values.cpuset import CpuSet
from kvmrt_plan.views.map_text import TextStyle
from kvmrt_plan.views.terminal import Painter
from kvmrt_plan.views.top import Rates, head_lines, rate_lines

LIMIT_MS = 10.0


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50, help="frames (default: 50)")
    runs = parser.parse_args().runs
    header = " " * 5 + "".join(f"{f'CPU{cpu}':>11}" for cpu in range(64)) + "\n"
    row = "".join(f"{123456 + cpu:>11}" for cpu in range(64))
    interrupts = header + "".join(f"{n:>3}: {row}  PCI-MSI {n}-edge dev{n}\n" for n in range(300))
    softirqs = header + "".join(f"{name}: {row}\n" for name in "ABCDEFGHIJ")
    host, style = synthetic(64).whole[0], TextStyle(width=160, is_coloured=True)
    cpus, counter = CpuSet(range(32)), SwitchCounter(())
    threading.stack_size(65536)
    end = threading.Event()
    for _ in range(2000):
        threading.Thread(target=end.wait, daemon=True).start()
    spent, boxes, watch = [], Boxes(), Watch()
    for _ in range(runs):
        begin = time.process_time()
        take_sample(host, counter)
        watch.has_changed()
        totals = parse_totals(interrupts, cpus)
        rates = per_second(totals, totals, 1.0)
        soft = per_second(parse_totals(softirqs, cpus), totals, 1.0)
        painter = Painter(is_coloured=True)
        shown = Rates(interrupts=rates, softirqs=soft, switches=rates)
        lines = [*head_lines(host, ("", ""), 160, painter), *boxes.lines(host, style)]
        "\n".join([*lines, *rate_lines(host, shown, 160, painter)])
        spent.append(1000 * (time.process_time() - begin))
    end.set()
    median = statistics.median(spent)
    sys.stdout.write(f"a frame of kvmrt top: {median:.1f} ms, limit {LIMIT_MS} ms\n")
    return int(median > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())

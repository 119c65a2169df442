# SPDX-License-Identifier: Apache-2.0
"""The price of the engine's promises: 4,096 interrupts moved by it, and by a bare loop.

Both write the same files of a temporary tree, by turns. The engine compares each value right before it is
written and reads it back after, with a journal on disk; the loop opens, writes and closes. Ends with 1 when
the ratio of the medians is above the limit.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kvmrt_plan.apply.engine import perform
from kvmrt_plan.apply.journal import CURRENT, Finish, Header, Journal
from kvmrt_plan.apply.step import Outcome, Step
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.hosts.live import LiveHost
from kvmrt_plan.hosts.state import FolderStore

LIMIT = 2.5
IRQS = 4096
OLD, NEW = "0-127", "0-3,124-127"
HEADER = Header(
    id="bench",
    purpose="apply",
    plan_digest="",
    host="bench",
    boot_id="",
    user="",
    started="2026-11-22T10:12:00Z",
)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="of each (default: 15)")
    runs = parser.parse_args().runs
    # Files of the kernel's are in memory; the journal is on a disk.
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as tree, tempfile.TemporaryDirectory() as disk:
        folder = Path(tree)
        paths = make_tree(folder)
        # One of each to warm up.
        bare, engine = [], []
        for number in range(runs + 1):
            bare.append(timed(lambda: write_bare(paths, NEW)))
            write_bare(paths, OLD)
            store = FolderStore(f"{disk}/state{number}")
            engine.append(timed(lambda store=store: write_by_engine(folder, store)))
            write_bare(paths, OLD)
    return judge(bare[1:], engine[1:])


def make_tree(folder: Path) -> list[str]:
    """The files, each with its old value."""
    paths = [str(folder / f"proc/irq/{number}/smp_affinity_list") for number in range(IRQS)]
    for path in paths:
        os.makedirs(os.path.dirname(path))
        Path(path).write_text(f"{OLD}\n", encoding="ascii")
    return paths


def write_bare(paths: list[str], value: str) -> None:
    """The least that a program can do."""
    for path in paths:
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        os.write(descriptor, f"{value}\n".encode())
        os.close(descriptor)


def write_by_engine(folder: Path, store: FolderStore) -> None:
    """What `kvmrt apply` does between the freshness check and the proof."""
    host = LiveHost(uri=None, root=str(folder), name="bench")
    steps = [Step(number, Kind.IRQ_AFFINITY, f"irq/{number}", OLD, NEW) for number in range(IRQS)]
    journal = Journal(store, HEADER)
    journal.open()
    run = perform(host, steps, journal, lambda _step, _outcome, _cause: None)
    journal.finish(Finish.APPLIED)
    if set(run.outcomes.values()) != {Outcome.DONE} or store.read(CURRENT) is None:
        sys.exit(f"not everything was written: {run.failure}")


def timed(work) -> float:
    """Seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def judge(bare: list[float], engine: list[float]) -> int:
    """Prints both and the ratio of their medians."""
    for name, times in (("bare loop", bare), ("engine", engine)):
        middle, low, high = statistics.median(times), min(times), max(times)
        print(f"{name:<20} {1000 * middle:6.0f} ms  ({1000 * low:.0f} to {1000 * high:.0f})")  # noqa: T201  the result
    ratio = statistics.median(engine) / statistics.median(bare)
    print(f"ratio {ratio:.2f}, at most {LIMIT}")  # noqa: T201
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())

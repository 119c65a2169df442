# SPDX-License-Identifier: Apache-2.0
"""Processor time of the quick views, beside the tools they stand in for.

`kvmrt topology` and `kvmrt irqs` take at most as long as `tuna -Q`; `kvmrt tasks` of a machine with 5,000
more threads at most 0.6 of `ps -eLo pid,tid,psr,cls,rtprio,comm`, and with 10,000 at most 2.2 times as
long as with 5,000. All run as whole processes, by turns; the time they wait on a busy machine does not
count. Ends with 1 when a ratio of the medians is above its limit.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from installed import install, kvmrt, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PS = ("ps", "-eLo", "pid,tid,psr,cls,rtprio,comm")
FEW, MANY = 5_000, 10_000
ROUNDS = 3

#: Starts threads with small stacks that sleep, says so, and ends with its standard input, or by itself.
SLEEPERS = """
import _thread, os, select, sys, threading
threading.stack_size(65536)
lock = _thread.allocate_lock()
lock.acquire()
for _ in range(int(sys.argv[1])):
    _thread.start_new_thread(lock.acquire, ())
print("ready", flush=True)
select.select([sys.stdin], [], [], 300)
os._exit(0)
"""


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="of each command (default: 15)")
    runs = parser.parse_args().runs
    if shutil.which("tuna") is None:
        sys.exit("tuna is not here; `make dev` installs it")
    with tempfile.TemporaryDirectory() as name:
        environment = install(Path(name) / "package")

        def view(*argv: str) -> Callable[[], float]:
            return lambda: kvmrt(environment, *argv).cpu

        def tool(*argv: str) -> Callable[[], float]:
            return lambda: run(environment, *argv).cpu

        tuna, topology, irqs = map(
            statistics.median, measure(runs, tool("tuna", "-Q"), view("topology"), view("irqs"))
        )
        ps, few, many = tasks(runs, tool(*PS), view("tasks"))
    return max(
        judge("kvmrt topology / tuna -Q", topology, tuna, limit=1.0),
        judge("kvmrt irqs / tuna -Q", irqs, tuna, limit=1.0),
        judge(f"kvmrt tasks / ps -eL, {FEW} threads", few, ps, limit=0.6),
        judge(f"kvmrt tasks, {MANY} / {FEW} threads", many, few, limit=2.2),
    )


@contextmanager
def sleeping(threads: int) -> Iterator[None]:
    """So many threads more, for the time of the block."""
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPERS, str(threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None, "it was asked for"
        assert process.stdout is not None, "it was asked for"
        if process.stdout.readline() != b"ready\n":
            sys.exit(f"{threads} threads could not be started")
        try:
            yield
        finally:
            process.stdin.close()


def tasks(runs: int, ps: Callable[[], float], view: Callable[[], float]) -> tuple[float, ...]:
    """Medians of ps and of the view with few threads, and of the view with many, by turns as well."""
    times: tuple[list[float], ...] = ([], [], [])
    for _ in range(ROUNDS):
        with sleeping(FEW):
            found = measure(-(-runs // ROUNDS), ps, view)
        with sleeping(MANY):
            found += measure(-(-runs // ROUNDS), view)
        for taken, more in zip(times, found, strict=True):
            taken.extend(more)
    return tuple(map(statistics.median, times))


def measure(runs: int, *commands: Callable[[], float]) -> list[list[float]]:
    """The times of each, run by turns after one run of each that does not count."""
    times: list[list[float]] = [[] for _ in commands]
    for turn in range(runs + 1):
        for command, taken in zip(commands, times, strict=True):
            seconds = command()
            if turn:
                taken.append(seconds)
    return times


def judge(name: str, ours: float, theirs: float, *, limit: float) -> int:
    """Prints both and their ratio; 1 when it is above the limit."""
    ratio = ours / theirs
    times = f"{1000 * ours:6.0f} ms / {1000 * theirs:6.0f} ms"
    print(f"{name:<40} {times}  ratio {ratio:.2f}, at most {limit}")  # noqa: T201  the result
    return int(ratio > limit)


if __name__ == "__main__":
    sys.exit(main())

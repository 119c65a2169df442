# SPDX-License-Identifier: Apache-2.0
"""Kills every run at every point and prints how many there were: `python tests/crash/figures.py`.

Takes some minutes. The tests do the same with fewer pairs for which recovery is killed as well.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_REPOSITORY / name) for name in ("", "tests", "examples")]

from crash_pairs import EXAMPLES, run_example, run_pair  # noqa: E402  found through the path above
from kill_points import Figures  # noqa: E402


def main() -> int:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200, help="generated pairs (default: 200)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument(
        "--stride", type=int, default=10,
        help="kill the recovery of every STRIDE-th content as well, at all its points (default: 10)",
    )  # fmt: skip
    arguments = parser.parse_args()
    begin = time.perf_counter()
    total = Figures()
    with ProcessPoolExecutor(arguments.jobs) as pool:
        runs = [pool.submit(_example, one, arguments.stride) for one in range(len(EXAMPLES))]
        runs += [pool.submit(_pair, one, arguments.stride) for one in range(arguments.pairs)]
        for run in runs:
            total.add(run.result())
    seconds = time.perf_counter() - begin
    killed = ", ".join(f"{number} in {name}" for name, number in sorted(total.killed.items()))
    print(  # noqa: T201  the result
        f"pairs {total.pairs}, kill points {total.points} ({killed}), contents {total.states}, "
        f"seconds {seconds:.0f}, all old or new"
    )
    return 0


def _example(number: int, stride: int) -> Figures:
    with tempfile.TemporaryDirectory(dir=_fast_folder()) as folder:
        return run_example(Path(folder), EXAMPLES[number], stride=stride)


def _pair(number: int, stride: int) -> Figures:
    with tempfile.TemporaryDirectory(dir=_fast_folder()) as folder:
        return run_pair(Path(folder), number, stride=stride)


def _fast_folder() -> str | None:
    """Memory: tens of thousands of fsyncs to a disk would take hours."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


if __name__ == "__main__":
    sys.exit(main())

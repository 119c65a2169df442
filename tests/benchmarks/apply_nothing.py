# SPDX-License-Identifier: Apache-2.0
"""Processor time of `kvmrt apply` on a host where nothing is left to be done, beside that of `kvmrt plan`.

Both run as whole processes on the same converged host with 16 real-time VMs, by turns. Ends with 1 when the
ratio of the medians is above the limit.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from installed import install, kvmrt
from synthetic_host import Size, write_host

LIMIT = 1.25
SIZE = Size(cpus=128, irqs=128, vms=16, all_rt=True)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="of each command (default: 15)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = install(folder / "package")
        configuration, snapshot = write_host(folder, SIZE, is_converged=True)
        planning = ("plan", "-f", configuration, "--host", snapshot)
        applying = ("apply", "--yes", "-f", configuration, "--host", snapshot)
        kvmrt(environment, *planning)
        applied = kvmrt(environment, *applying)
        if "nothing to do" not in applied.stdout:
            sys.exit(f"there was something to do:\n{applied.stdout}")
        plan, apply = [], []
        for _ in range(runs):
            plan.append(kvmrt(environment, *planning).cpu)
            apply.append(kvmrt(environment, *applying).cpu)
    return judge(plan, apply)


def judge(plan: list[float], apply: list[float]) -> int:
    """Prints both and the ratio of their medians."""
    for name, times in (("kvmrt plan", plan), ("kvmrt apply", apply)):
        middle, low, high = statistics.median(times), min(times), max(times)
        print(f"{name:<20} {1000 * middle:6.0f} ms  ({1000 * low:.0f} to {1000 * high:.0f})")  # noqa: T201  the result
    ratio = statistics.median(apply) / statistics.median(plan)
    print(f"ratio {ratio:.2f}, at most {LIMIT}")  # noqa: T201
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Time of `kvmrt plan` on a large host, and how it grows.

Everything is a change: no VM is pinned and every interrupt may go anywhere. Ends with 1 when the plan of
1,024 CPUs, 4,096 interrupts and 500 VMs takes longer than the limit, or twice of everything more than
2.3 times as long.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from installed import install, kvmrt
from synthetic_host import Size, write_host

SECONDS = 1.5
GROWTH = 2.3
SIZE = Size(cpus=1024, irqs=4096, vms=500)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each size (default: 5)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = install(folder / "package")
        commands = []
        for size in (SIZE, SIZE.doubled):
            configuration, snapshot = write_host(folder, size, is_converged=False)
            commands.append(("plan", "-f", configuration, "--host", snapshot))
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(runs):
            for command, found in zip(commands, times, strict=True):
                found.append(kvmrt(environment, *command).wall)
    return judge(*map(statistics.median, times))


def judge(single: float, double: float) -> int:
    """Prints both and the growth."""
    for size, seconds in ((SIZE, single), (SIZE.doubled, double)):
        print(  # noqa: T201  the result
            f"{size.cpus} CPUs, {size.irqs} interrupts, {size.vms} VMs: {seconds:.2f} s"
        )
    print(f"at most {SECONDS} s; growth {double / single:.2f}, at most {GROWTH}")  # noqa: T201
    return int(single > SECONDS or double > GROWTH * single)


if __name__ == "__main__":
    sys.exit(main())

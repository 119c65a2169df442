# SPDX-License-Identifier: Apache-2.0
"""Processor time of a cold `kvmrt plan`, beside that of `virt-xml --version`.

The plan is of a converged host with 16 real-time VMs. Both run as whole processes, by turns, so that a
busy machine slows both. Ends with 1 when the ratio of the medians is above the limit.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from installed import Run, install, kvmrt, run
from synthetic_host import Size, write_host

LIMIT = 0.8
SIZE = Size(cpus=128, irqs=128, vms=16, all_rt=True)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="of each command (default: 15)")
    runs = parser.parse_args().runs
    if shutil.which("virt-xml") is None:
        sys.exit("virt-xml is not here; `make dev` installs it (Debian's virtinst)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = install(folder / "package")
        configuration, snapshot = write_host(folder, SIZE, is_converged=True)
        argv = ("plan", "-f", configuration, "--host", snapshot)
        expect_no_changes(kvmrt(environment, *argv))
        run(environment, "virt-xml", "--version")
        ours, theirs = [], []
        for _ in range(runs):
            ours.append(kvmrt(environment, *argv).cpu)
            theirs.append(run(environment, "virt-xml", "--version").cpu)
    return judge(ours, theirs)


def expect_no_changes(planned: Run) -> None:
    """A plan with changes would measure something else."""
    if "no changes" not in planned.stdout:
        sys.exit(f"the host is not converged:\n{planned.stdout}")


def judge(ours: list[float], theirs: list[float]) -> int:
    """Prints both and the ratio of their medians."""
    for name, times in (("kvmrt plan, 16 VMs", ours), ("virt-xml --version", theirs)):
        middle, low, high = statistics.median(times), min(times), max(times)
        print(f"{name:<20} {1000 * middle:6.0f} ms  ({1000 * low:.0f} to {1000 * high:.0f})")  # noqa: T201  the result
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(f"ratio {ratio:.2f}, at most {LIMIT}")  # noqa: T201
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Time of `kvmrt check`: a fleet of 200 hosts with 64 CPUs, and one configuration beside check-jsonschema.

Ends with 1 when the fleet takes more than 6 s, or one configuration more than 1.5 times as long as
`check-jsonschema` with the schema of configurations.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from installed import REPOSITORY, install, kvmrt, run
from synthetic_host import Size, write_host

HOSTS = 200
SIZE = Size(cpus=64, irqs=64, vms=8)
SECONDS = 6.0
RATIO = 1.5


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each (default: 5)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = install(folder / "package")
        fleet = folder / "fleet"
        fleet.mkdir()
        configuration, snapshot = write_host(folder, SIZE, is_converged=False)
        for number in range(HOSTS):
            shutil.copy(configuration, fleet / f"host{number}.yaml")
            shutil.copy(snapshot, fleet / f"host{number}.json")
        options = ("--accept-changes", "--max-age", 0)
        schema = REPOSITORY / "schemas" / "config.schema.json"
        checker = Path(sys.executable).with_name("check-jsonschema")
        times: tuple[list[float], ...] = ([], [], [])
        for _ in range(runs):
            times[0].append(kvmrt(environment, "check", fleet, *options).wall)
            one = fleet / "host0.yaml"
            times[1].append(kvmrt(environment, "check", one, *options).wall)
            times[2].append(run(environment, checker, "--schemafile", schema, one).wall)
    many, one_check, other = map(statistics.median, times)
    cpus = len(os.sched_getaffinity(0))
    print(  # noqa: T201  the result
        f"{HOSTS} hosts of {SIZE.cpus} CPUs on {cpus} CPUs: {many:.2f} s, at most {SECONDS} s"
    )
    print(  # noqa: T201  the result
        f"one configuration: {one_check * 1000:.0f} ms, check-jsonschema {other * 1000:.0f} ms; "
        f"{one_check / other:.2f}, at most {RATIO}"
    )
    return int(many > SECONDS or one_check > RATIO * other)


if __name__ == "__main__":
    sys.exit(main())

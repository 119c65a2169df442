# SPDX-License-Identifier: Apache-2.0
"""kvmrt as users have it: installed, with compiled bytecode, in a process of its own."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

#: What the `kvmrt` script does.
PROGRAM = "from kvmrt_plan.cli.entry import entry; entry()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a command, in seconds."""

    cpu: float
    wall: float
    stdout: str


def install(folder: Path) -> dict[str, str]:
    """Installs the checkout into the folder; the environment in which `kvmrt` is that package."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
    }
    # Built from a copy, so that nothing is left in the checkout.
    source = folder.with_name("source")
    shutil.copytree(REPOSITORY / "kvmrt_plan", source / "kvmrt_plan")
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, source)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--no-build-isolation",
         "--root-user-action=ignore", "--target", folder, source],
        env=environment,
        check=True,
    )  # fmt: skip
    return {**environment, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def kvmrt(environment: dict[str, str], *argv: object) -> Run:
    """Runs kvmrt; it must end with 0."""
    return run(environment, sys.executable, "-c", PROGRAM, *argv)


def run(environment: dict[str, str], *command: object) -> Run:
    """Runs a command that must end with 0; its processor time is that of all its processes."""
    # times(2) counts in hundredths of a second, getrusage(2) in microseconds.
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(
        [str(word) for word in command],
        env=environment,
        cwd=REPOSITORY.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {ended.returncode}: {ended.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(cpu=cpu, wall=wall, stdout=ended.stdout)

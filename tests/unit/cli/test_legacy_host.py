# SPDX-License-Identifier: Apache-2.0
"""A VM that comes and goes on a host with cgroup v1: its tasks are confined and free again."""

from __future__ import annotations

import shutil

import pytest

from kvmrt_plan.cli.main import main
from kvmrt_plan.facts.cpusets import CONFINED, EVERYWHERE, HIERARCHY, TASKS
from kvmrt_plan.hosts.simulated.storage import read_snapshot_file

OWN, MACHINE = f"{HIERARCHY}/kvmrt/cpuset.cpus", f"{HIERARCHY}/machine/cpuset.cpus"


@pytest.fixture
def options(repository, tmp_path):
    for name in ("host.json", "desired.yaml"):
        shutil.copy(repository / "tests/cases/plans/legacy" / name, tmp_path / name)
    return ("--host", str(tmp_path / "host.json"), "-f", str(tmp_path / "desired.yaml"))


def files(options) -> dict[str, str]:
    return dict(read_snapshot_file(options[1]).files)


def cpusets(options) -> list[str | None]:
    found = files(options)
    return [found.get(path) for path in (TASKS, OWN, MACHINE)]


def test_tasks_are_confined_while_the_vm_runs_and_everything_is_back_afterwards(options, capsys):
    before = files(options)

    assert main(["boot", *options, "vm0"]) == 0
    assert cpusets(options) == [f"{CONFINED}\n", "0,3-4,7\n", "0-4,7\n"]
    capsys.readouterr()
    assert main(["plan", *options, "--detailed-exitcode"]) == 0
    assert "no changes" in capsys.readouterr().out

    assert main(["shutdown", *options, "--force", "vm0"]) == 0
    assert cpusets(options) == [f"{EVERYWHERE}\n", None, "0-7\n"]
    after = files(options)
    differing = {path for path in before.keys() | after if before.get(path) != after.get(path)}
    assert {path.rpartition("/")[2] for path in differing} <= {"effective_affinity_list"}

# SPDX-License-Identifier: Apache-2.0
"""The bundled examples are what they claim to be."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys

import pytest

HOST = "examples/two-socket.json"
CONFIGURATIONS = ["examples/two-socket.yaml", "examples/two-socket.cfg", "examples/further.yaml"]


def kvmrt(repository, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kvmrt_plan", *argv],
        cwd=repository,
        env={"COLUMNS": "80", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def plan_json(repository, configuration: str) -> dict:
    ran = kvmrt(repository, "plan", "-f", configuration, "--host", HOST, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def without_sources(actions: list[dict]) -> list[dict]:
    return [{**one, "reason": {**one["reason"], "source": None}} for one in actions]


def test_the_host_is_what_its_script_writes(repository, tmp_path):
    for name in ("make_two_socket.py", "raw_host.py"):
        (tmp_path / name).write_bytes((repository / "examples" / name).read_bytes())
    subprocess.run(
        [sys.executable, tmp_path / "make_two_socket.py"],
        env={"PYTHONPATH": str(repository)},
        check=True,
    )

    made = (tmp_path / "two-socket.json").read_bytes()

    assert made == (repository / HOST).read_bytes()


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_an_example_has_changes_and_no_errors(repository, configuration):
    plan = plan_json(repository, configuration)

    assert plan["summary"]["errors"] == 0
    assert plan["summary"]["now"] > 0
    assert plan["summary"]["guest_restart"] > 0


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_plan_has_the_same_bytes_every_time(repository, configuration):
    argv = ("plan", "-f", configuration, "--host", HOST, "--json", "--detailed-exitcode")
    first, second = kvmrt(repository, *argv), kvmrt(repository, *argv)

    assert first.returncode == second.returncode == 2
    assert first.stdout == second.stdout


def test_the_ini_twin_gives_the_same_actions(repository):
    yaml = plan_json(repository, "examples/two-socket.yaml")
    ini = plan_json(repository, "examples/two-socket.cfg")

    assert without_sources(ini["actions"]) == without_sources(yaml["actions"])
    assert ini["summary"] == yaml["summary"]


def test_a_vm_that_is_right_already_is_left_alone(repository):
    plan = plan_json(repository, "examples/two-socket.yaml")

    assert [one for one in plan["actions"] if one["address"].startswith("vm/gateway/")] == []


@pytest.mark.parametrize("configuration", [one for one in CONFIGURATIONS if "yaml" in one])
def test_an_example_tells_editors_its_schema(repository, configuration):
    file = repository / configuration
    first = file.read_text(encoding="utf-8").split("\n", 1)[0]
    schema = first.removeprefix("# yaml-language-server: $schema=")

    assert (file.parent / schema).is_file()


def test_the_plan_in_the_readme_is_what_the_example_prints(repository):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^```text\n\$ kvmrt (.*?)\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)

    assert block is not None
    assert block[2] == kvmrt(repository, *shlex.split(block[1])).stdout


def test_the_pictures_are_what_kvmrt_draws(repository, tmp_path):
    spec = importlib.util.spec_from_file_location("pictures", repository / ".ci" / "pictures.py")
    pictures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pictures)

    pictures.draw(tmp_path)

    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in (repository / "docs/pictures").iterdir()}
    assert drawn == kept

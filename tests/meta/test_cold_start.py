# SPDX-License-Identifier: Apache-2.0
"""What a command does not need it does not load: a library costs more than a whole plan.

docs/rationale.md has the measurements; tests/benchmarks/plan_cold.py measures the time itself.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"configupdater", "deepdiff", "libvirt", "pydantic", "pydantic_core", "rich"}

PROGRAM = """
import json, os, sys
from kvmrt_plan.cli.main import main
written = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
try:
    code = main(sys.argv[1:])
except SystemExit as error:
    code = error.code
os.write(written, json.dumps([code or 0, sorted(sys.modules)]).encode())
"""


def loaded_by(repository, *argv: str) -> set[str]:
    """Top-level modules that a command loads, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *argv],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(ran.stdout)
    assert code == 0, ran.stderr
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize(
    "argv",
    [
        ("--help",),
        ("--version",),
        ("plan", "--help"),
        ("topology", "--host", "examples/two-socket.json"),
        ("topology", "--host", "examples/two-socket.json", "--json"),
    ],
    ids=" ".join,
)
def test_commands_that_read_no_configuration_load_no_library(repository, argv):
    assert loaded_by(repository, *argv) & {*HEAVY, "lxml", "ruamel"} == set()


@pytest.mark.parametrize("configuration", ["examples/two-socket.yaml", "examples/two-socket.cfg"])
def test_a_plan_loads_only_the_parsers_it_needs(repository, configuration):
    loaded = loaded_by(
        repository, "plan", "-f", configuration, "--host", "examples/two-socket.json"
    )

    assert loaded & HEAVY == set()
    assert "lxml" in loaded


def test_an_ini_configuration_loads_no_yaml(repository):
    loaded = loaded_by(
        repository, "plan", "-f", "examples/two-socket.cfg", "--host", "examples/two-socket.json"
    )

    assert "ruamel" not in loaded


@pytest.mark.parametrize(
    "argv",
    [
        ("topology",),
        ("topology", "--table"),
        ("irqs", "-c", "0"),
        ("tasks", "--kernel"),
    ],
    ids=" ".join,
)
def test_quick_views_load_nothing_of_pythons_own_that_is_slow(repository, argv):
    program = "import sys; from kvmrt_plan.cli.main import main; main(sys.argv[1:]); "
    program += "sys.exit(' '.join(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", program, *argv],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    slow = {"argparse", "dataclasses", "enum", "inspect", "json", "re", "typing"}

    assert "kvmrt_plan" in ran.stderr.split()
    assert slow & set(ran.stderr.split()) == set()

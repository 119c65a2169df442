# SPDX-License-Identifier: Apache-2.0
"""Hooks, action and job do what they say: exactly their commands are run, in a folder like a team's.

pip runs too, offline: it is told by its own variables to take this checkout and nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from ruamel.yaml import YAML

BIN = Path(sys.executable).parent
CLOCK = "1795430400"


@pytest.fixture
def team(tmp_path, repository):
    """A repository of a team; the faults of the fleet are in it."""
    shutil.copytree(repository / "examples" / "fleet", tmp_path / "team" / "hosts")
    return tmp_path / "team"


@pytest.fixture(scope="session")
def offline_pip(tmp_path_factory, repository):
    """The environment in which `pip install kvmrt` installs a copy of this checkout."""
    folder = tmp_path_factory.mktemp("pip")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    # Before 3.12 a new environment has a setuptools of its own, too old to build this.
    subprocess.run([python, "-m", "pip", "uninstall", "-qy", "setuptools"], check=True)
    # The libraries are those of the tests; the checkout itself must not be among them.
    mine = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    Path(site, "libraries.pth").write_text(f"{mine}\n", encoding="utf-8")
    source = folder / "source"
    source.mkdir()
    shutil.copytree(
        repository / "kvmrt_plan",
        source / "kvmrt_plan",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(repository / name, source)
    return {
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": CLOCK,
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_IGNORE_INSTALLED": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "source": str(source),
    }


def shell(script, team, environment):
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=team, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def load(path):
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def test_the_hook_of_pre_commit_fails_for_a_fault_and_passes_without(repository, team):
    [hook] = load(repository / ".pre-commit-hooks.yaml")
    environment = {**os.environ, "PATH": f"{BIN}:/usr/bin:/bin", "SOURCE_DATE_EPOCH": CLOCK}

    bad = shell(f"{hook['entry']} hosts/paint.yaml hosts/press.yaml", team, environment)
    good = shell(f"{hook['entry']} hosts/paint.yaml", team, environment)

    assert (bad.returncode, good.returncode) == (1, 0), bad.stderr + good.stderr
    assert "KR102" in bad.stdout


def test_the_action_annotates_and_fails_for_a_fault(repository, team, offline_pip):
    action = load(repository / "examples" / "ci" / "action.yml")
    install, run = action["runs"]["steps"]
    inputs = {name: one["default"] for name, one in action["inputs"].items()}
    environment = {**offline_pip, "GITHUB_STEP_SUMMARY": str(team / "summary.md")}
    for step in (install, run):
        for name, value in step["env"].items():
            key = value.removeprefix("${{ inputs.").removesuffix(" }}")
            environment[name] = offline_pip["source"] if key == "requirement" else inputs[key]

    installed = shell(install["run"], team, environment)
    checked = shell(run["run"], team, environment)

    assert installed.returncode == 0, installed.stderr
    assert checked.returncode == 1, checked.stderr
    assert "::error file=hosts/press.yaml,line=9,title=kvmrt KR102::" in checked.stdout
    assert (team / "summary.md").read_text(encoding="utf-8").startswith("### kvmrt check\n")
    assert "KR102" in (team / "kvmrt.sarif").read_text(encoding="utf-8")


def test_the_job_of_gitlab_reports_and_fails_for_a_fault(repository, team, offline_pip):
    job = load(repository / "examples" / "ci" / "gitlab-ci.yml")["kvmrt-check"]
    environment = {
        **offline_pip, **job["variables"], "KVMRT_REQUIREMENT": offline_pip["source"],
    }  # fmt: skip

    ran = shell("\n".join(job["script"]), team, environment)

    report = team / job["artifacts"]["reports"]["junit"]
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "press.yaml" in ran.stdout
    assert 'type="KR102"' in report.read_text(encoding="utf-8")


def policy(team, repository, *argv):
    shutil.copytree(repository / "examples" / "policy", team / "policy")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": CLOCK, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", team, "-rA", *argv],
        cwd=team, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_rules_of_a_team_run_once_for_each_host(repository, team):
    ran = policy(team, repository, "policy", "--kvmrt", "hosts")

    assert ran.returncode == 0, ran.stdout
    assert "9 passed" in ran.stdout
    assert "test_cpu_0_is_never_taken_offline[weld]" in ran.stdout


def test_a_rule_that_is_broken_names_host_and_vm(repository, team):
    bad = (team / "hosts/paint.yaml").read_text(encoding="utf-8").replace("5-7", "3-5")
    (team / "hosts/paint.yaml").write_text(bad, encoding="utf-8")

    ran = policy(team, repository, "policy", "--kvmrt", "hosts/paint.yaml")

    assert ran.returncode == 1
    assert "paint-rt uses nodes [0, 1]" in ran.stdout


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        ((), "which configuration? name one with --kvmrt PATH"),
        (("--kvmrt", "hosts/lonely.yaml"), "there is no snapshot for hosts/lonely.yaml"),
        (("--kvmrt", "hosts/broken.yaml"), "KR004"),
    ],
)
def test_a_rule_without_a_plan_says_what_is_missing(repository, team, argv, problem):
    shutil.copy(team / "hosts/paint.yaml", team / "hosts/lonely.yaml")
    (team / "hosts/broken.yaml").write_text("vms: [", encoding="utf-8")

    ran = policy(team, repository, "policy", *argv)

    assert ran.returncode != 0
    assert problem in ran.stdout + ran.stderr


CONFIGURATIONS = ["examples/two-socket.yaml", "examples/further.yaml", *(
    f"examples/fleet/{name}.yaml" for name in ("paint", "press", "weld"))]  # fmt: skip
#: What a JSON schema cannot say; tests/unit/desired/test_invalid_cases.py has the reasons.
ACCEPTED = {"yaml-duplicate-irq"}


def check_jsonschema(repository, *files):
    return subprocess.run(
        [BIN / "check-jsonschema", "--schemafile", "schemas/config.schema.json", *files],
        cwd=repository, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_check_jsonschema_accepts_every_example(repository):
    ran = check_jsonschema(repository, *CONFIGURATIONS)

    assert ran.returncode == 0, ran.stdout


def test_check_jsonschema_refuses_every_invalid_file_that_a_schema_can_refuse(repository):
    cases = sorted((repository / "tests/cases/invalid").glob("yaml-*/desired.yaml"))
    # Its reader runs out of stack for this one, which is no verdict about the others.
    cases = [path for path in cases if path.parent.name != "yaml-deep-nesting"]
    ran = check_jsonschema(repository, "--output-format", "json", *cases)
    report = json.loads(ran.stdout)

    refused = {one["filename"] for kind in ("errors", "parse_errors") for one in report[kind]}
    accepted = {path.parent.name for path in cases if str(path) not in refused}
    assert len(cases) > 15
    assert accepted == ACCEPTED

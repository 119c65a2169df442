# SPDX-License-Identifier: Apache-2.0
"""`kvmrt check`: which files, which exit code, and the example fleet with every seeded fault on its line."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest
from lxml import etree

from kvmrt_plan.cli.main import main

NOON = "1795430400"  # 2026-11-23, some hours after the youngest snapshot
FORMATS = ("text", "json", "sarif", "junit", "github", "markdown")


@pytest.fixture(autouse=True)
def _clock(monkeypatch, repository):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", NOON)
    monkeypatch.chdir(repository)


@pytest.fixture
def fleet(tmp_path, repository):
    return shutil.copytree(repository / "examples" / "fleet", tmp_path / "fleet")


def check(capsys, *argv):
    code = main(["check", *map(str, argv)])
    return code, capsys.readouterr().out


def seeded(repository):
    """File, line and code of every fault that the example's comments announce."""
    found = {("examples/fleet/paint.json", None, "KR306")}
    for path in sorted((repository / "examples" / "fleet").glob("*.yaml")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            marked = re.search(r"# fault ((?:KR\d{3} ?)+)$", line)
            for code in marked[1].split() if marked else ():
                found.add((f"examples/fleet/{path.name}", number, code))
    return found


def test_the_example_fleet_has_exactly_the_seeded_faults(repository, capsys):
    code, out = check(capsys, "examples/fleet", "--format", "json")

    found = set()
    for one in json.loads(out)["checks"]:
        for finding in one["findings"]:
            file, _, line = finding["source"].partition(":")
            found.add((file, int(line) if line else None, finding["code"]))
    assert code == 1
    assert len(found) > 8
    assert found == seeded(repository)


def test_every_format_names_every_seeded_fault_with_its_place(repository, capsys):
    texts = {name: check(capsys, "examples/fleet", "--format", name)[1] for name in FORMATS}

    sarif = json.loads(texts["sarif"])["runs"][0]["results"]
    in_sarif = {
        (
            one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            one["locations"][0]["physicalLocation"].get("region", {}).get("startLine"),
            one["ruleId"],
        )
        for one in sarif
        if "suppressions" not in one
    }
    in_github = {
        (file, int(line) if line else None, code)
        for file, line, code in re.findall(
            r"^::\w+ file=([^,]*)(?:,line=(\d+))?,title=kvmrt (KR\d+)::",
            texts["github"],
            re.MULTILINE,
        )
    }
    assert in_sarif == in_github == seeded(repository)
    joined = {
        name: re.sub(r"\s+", " ", texts[name].replace("&#58;", ":"))
        for name in ("text", "junit", "markdown")
    }
    for file, line, code in seeded(repository):
        place = f"{file}:{line}" if line else file
        assert all(code in text and place in text for text in joined.values()), (code, place)
    etree.XMLSchema(etree.parse(repository / "tests/cases/check/junit.xsd")).assertValid(
        etree.fromstring(texts["junit"].encode())
    )


def test_the_table_fits_80_columns(capsys):
    _, out = check(capsys, "examples/fleet")

    assert out.splitlines()[:5] == [
        "in examples/fleet/",
        "CONFIGURATION  HOST   VMS  RT CPUS    FINDINGS              CHANGES    AGE",
        "paint.yaml     paint    1  5-7,13-15  1 warning                  19  175 d",
        "press.yaml     press    2  4-6,12-14  2 errors, 3 warnings        -    1 d",
        "weld.yaml      weld     2  5-7,13-15  1 error, 4 warnings         -    4 h",
    ]
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 2),
        (("--accept-changes",), 0),
        (("--strict",), 1),
        (("--strict", "--allow", "KR306:nobody was there"), 2),
        (("--strict", "--max-age", "0", "--accept-changes"), 0),
        (("--no-host",), 0),
        (("--host", "examples/fleet/press.json"), 1),
    ],
)
def test_the_exit_code_says_what_came_out(capsys, options, code):
    assert check(capsys, "examples/fleet/paint.yaml", *options)[0] == code


def test_a_converged_host_has_nothing_to_do(capsys, tmp_path):
    from synthetic_host import Size, write_host

    configuration, _ = write_host(tmp_path, Size(cpus=16, irqs=8, vms=2), is_converged=True)

    code, out = check(capsys, configuration, "--max-age", "0")

    assert (code, out.splitlines()[-1]) == (
        0,
        "1 configuration: 2 warnings, 1 advice; no changes",
    )


def test_every_way_to_run_it_gives_the_same_report(capsys, fleet):
    for number in range(8):
        for suffix in ("yaml", "json"):
            shutil.copy(fleet / f"weld.{suffix}", fleet / f"weld{number}.{suffix}")

    one = check(capsys, fleet, "--jobs", "1", "--format", "json")
    several = check(capsys, fleet, "--jobs", "2", "--format", "json")

    assert one == several
    assert len(json.loads(one[1])["checks"]) == 11


def test_what_cannot_be_read_is_a_finding_beside_the_others(capsys, fleet):
    (fleet / "press.json").write_text("{", encoding="ascii")
    (fleet / "broken.yaml").write_text("vms: [", encoding="ascii")
    os.symlink("nowhere", fleet / "gone.yaml")

    code, out = check(capsys, fleet, "--format", "json")

    found = {
        (one["configuration"].rpartition("/")[2], finding["code"])
        for one in json.loads(out)["checks"]
        for finding in one["findings"]
        if finding["severity"] == "error"
    }
    assert code == 1
    assert {("press.yaml", "KR308"), ("broken.yaml", "KR004"), ("gone.yaml", "KR001")} <= found


def test_a_snapshot_is_found_in_a_folder_by_name(capsys, fleet, tmp_path):
    snapshots = tmp_path / "snapshots"
    snapshots.mkdir()
    for path in fleet.glob("*.json"):
        path.rename(snapshots / path.name)

    _, out = check(capsys, fleet, "--host", snapshots, "--format", "json")

    assert [one["host"] for one in json.loads(out)["checks"]] == ["paint", "press", "weld"]


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (("--allow", "KR104"), "--allow 'KR104': one line that says why is expected"),
        (("--allow", "104:x"), "the code of a finding is expected"),
        (("--host", "nowhere.json"), "--host nowhere.json: there is no such snapshot"),
    ],
)
def test_a_wrong_option_is_told(capsys, argv, problem):
    assert main(["check", "examples/fleet/paint.yaml", *argv]) == 1
    assert problem in capsys.readouterr().err


def test_a_folder_without_configurations_is_an_error(capsys, tmp_path):
    assert main(["check", str(tmp_path)]) == 1
    assert "holds no configuration" in capsys.readouterr().err


def test_the_snapshots_of_the_fleet_are_what_their_script_writes(repository):
    from make_fleet import HOSTS, host

    from kvmrt_plan.facts.document import dump_snapshot

    for name, captured, guests in HOSTS:
        text = (repository / "examples" / "fleet" / f"{name}.json").read_text(encoding="ascii")
        assert dump_snapshot(host(name, captured, guests)) == text

# SPDX-License-Identifier: Apache-2.0
"""`kvmrt report` writes what a reviewer signs, and nothing for a plan that would be refused."""

from __future__ import annotations

import json

import pytest

from kvmrt_plan.cli.main import main

HOST = "examples/two-socket.json"


@pytest.fixture(autouse=True)
def _here(repository, monkeypatch):
    monkeypatch.chdir(repository)


@pytest.fixture
def plan(tmp_path, capsys):
    file = tmp_path / "plan.json"
    assert (
        main(["plan", "rt-io", "-f", "examples/two-socket.yaml", "--host", HOST, "-o", str(file)])
        == 0
    )
    capsys.readouterr()
    return file


def report(plan, page, host=HOST):
    return main(["report", str(plan), "--host", str(host), "--html", str(page)])


def test_a_report_holds_all_that_a_reviewer_needs(plan, tmp_path):
    page = tmp_path / "plan.html"

    assert report(plan, page) == 0

    text, document = page.read_text(encoding="utf-8"), json.loads(plan.read_text(encoding="utf-8"))
    assert document["digest"] in text
    assert document["configuration"]["digest"] in text
    times = [action["activation"] for action in document["actions"]]
    live, later = times.count("now"), times.count("guest-restart")
    assert live + later == len(times) > 10
    warnings = [one["severity"] for one in document["findings"]].count("warning")
    summary = f"{len(times)} changes: {live} live, {later} at guest restart; {warnings} warnings"
    assert summary in text
    assert text.count("<svg") == 2
    assert "Before: 32 CPUs" in text
    assert "After: 32 CPUs" in text
    assert all(f"<td>{one['code']}</td>" in text for one in document["findings"])
    assert "it is the sibling of CPU 5 of rt-io (examples/two-socket.yaml:20)" in text
    assert f"1-{len(times)} fully" in text
    assert "<script" not in text


def test_a_report_has_the_same_bytes_every_time(plan, tmp_path):
    first, second = tmp_path / "first.html", tmp_path / "second.html"

    assert report(plan, first) == report(plan, second) == 0
    assert first.read_bytes() == second.read_bytes()


def test_a_plan_that_is_stale_gets_no_page(plan, tmp_path, repository, capsys):
    host, page = tmp_path / "host.json", tmp_path / "plan.html"
    snapshot = json.loads((repository / HOST).read_text(encoding="utf-8"))
    snapshot["files"]["/proc/irq/25/smp_affinity_list"] = "0-3\n"
    host.write_text(json.dumps(snapshot), encoding="utf-8")

    assert report(plan, page, host) == 3

    assert not page.exists()
    assert "irq/25" in capsys.readouterr().err


def test_a_plan_for_another_host_is_refused(plan, tmp_path, repository, capsys):
    host, page = tmp_path / "host.json", tmp_path / "plan.html"
    snapshot = json.loads((repository / HOST).read_text(encoding="utf-8"))
    host.write_text(json.dumps({**snapshot, "name": "other"}), encoding="utf-8")

    assert report(plan, page, host) == 1
    assert "is a plan for host two-socket, not other" in capsys.readouterr().err


def test_a_report_never_replaces_its_plan(plan, capsys):
    assert report(plan, plan) == 1
    assert "would be written over" in capsys.readouterr().err

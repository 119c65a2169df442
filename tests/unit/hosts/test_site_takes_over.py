# SPDX-License-Identifier: Apache-2.0
"""A snapshot of a host on which kvmrt holds policies brings what kvmrt knew there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from guest_hosts import Host, quiet_host

from kvmrt_plan.cli.main import main
from kvmrt_plan.facts.document import dump_snapshot
from kvmrt_plan.hosts.site import Location, look_at

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def applied(tmp_path):
    """Snapshot of a host after an apply, without the folder of state beside it."""
    folder = tmp_path / "machine"
    folder.mkdir()
    host = Host(folder, quiet_host())
    assert main(["apply", "-f", str(host.file), "--host", str(host.path), "--yes"]) in (0, 7)
    taken = tmp_path / "taken.json"
    taken.write_text(dump_snapshot(look_at(Location(snapshot=str(host.path)))), encoding="ascii")
    return host, taken


def plan(file: Path, snapshot: Path, *more: str) -> int:
    return main(["plan", "-f", str(file), "--host", str(snapshot), "--detailed-exitcode", *more])


def test_its_plan_is_empty_and_it_knows_the_siblings_that_are_offline(applied, capsys):
    host, taken = applied
    capsys.readouterr()

    assert plan(host.file, taken) == 0

    assert "KR203" not in capsys.readouterr().out


def test_a_release_on_it_gives_back_the_values_of_the_machine(applied):
    host, taken = applied
    release = ["--release", "rt-motion", "--release", "rt-io"]

    for snapshot in (host.path, taken):
        ended = main(["apply", "-f", str(host.file), "--host", str(snapshot), *release, "--yes"])
        assert ended in (0, 7)

    first, second = (look_at(Location(snapshot=str(path))) for path in (host.path, taken))
    known = ("/run/kvmrt/held.json", "/run/kvmrt/topology.json")
    left, right = (
        {path: text for path, text in one.files.items() if path not in known}
        for one in (first, second)
    )
    assert left == right

# SPDX-License-Identifier: Apache-2.0
"""`apply --allow guest-restart` restarts the guests whose settings wait for it, and no others."""

from __future__ import annotations

import shutil

import pytest

from kvmrt_plan.cli import restart
from kvmrt_plan.cli.main import main


@pytest.fixture
def host(tmp_path, repository):
    path = tmp_path / "host.json"
    shutil.copy(repository / "examples" / "two-socket.json", path)
    return path


def run(repository, host, *more):
    configuration = repository / "examples" / "two-socket.yaml"
    return main(["apply", "-f", str(configuration), "--host", str(host), "--yes", *more])


def pending(repository, host, capsys):
    capsys.readouterr()
    configuration = repository / "examples" / "two-socket.yaml"
    main(["plan", "-f", str(configuration), "--host", str(host)])
    return "PENDING" in capsys.readouterr().out


def test_without_permission_the_guest_runs_on_and_its_settings_wait(repository, host, capsys):
    assert run(repository, host) == 0

    assert "rt-io: restarted" not in capsys.readouterr().out
    assert pending(repository, host, capsys)


def test_with_permission_it_is_restarted_and_nothing_waits(repository, host, capsys):
    assert run(repository, host, "--allow", "guest-restart") == 0

    out = capsys.readouterr().out
    assert "rt-io: restarted" in out
    assert "gateway" not in out.rpartition("applied")[2]
    assert not pending(repository, host, capsys)


def test_a_guest_that_ignores_its_power_button_runs_on(repository, host, capsys, monkeypatch):
    monkeypatch.setattr(restart, "TIMEOUT_SECONDS", 0.3)
    host.write_text(host.read_text(encoding="ascii").replace("<acpi/>", ""), encoding="ascii")

    assert run(repository, host, "--allow", "guest-restart") == 1

    assert "rt-io: was not restarted" in capsys.readouterr().out
    assert pending(repository, host, capsys)

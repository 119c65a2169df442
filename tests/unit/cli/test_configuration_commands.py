# SPDX-License-Identifier: Apache-2.0
"""`kvmrt import`, `sync`, `validate` and `validate-host`, on a simulated host of their own."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from kvmrt_plan.cli.main import main
from kvmrt_plan.domainxml.document import parse_domain, read_settings
from kvmrt_plan.facts.document import load_snapshot

if TYPE_CHECKING:
    from pathlib import Path

GATEWAY = "6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c03"


@pytest.fixture
def host(tmp_path, repository) -> Path:
    path = tmp_path / "host.json"
    shutil.copy(repository / "examples" / "two-socket.json", path)
    return path


@pytest.fixture
def kvmrt(capsys, host):
    """Runs a command on the host; its exit code, what it printed, and what it complained about."""

    def run(*argv: str) -> tuple[int, str, str]:
        code = main([*argv, "--host", str(host)] if "--no-host" not in argv else list(argv))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def settings(host: Path, uuid: str) -> dict[str, str]:
    snapshot = load_snapshot(host.read_text(), file="host.json")
    (xml,) = (one.xml for one in snapshot.libvirt.domains if one.uuid == uuid)
    return read_settings(parse_domain(xml, domain=uuid))


@pytest.mark.parametrize("suffix", ["yaml", "cfg"])
def test_an_import_makes_the_file_and_the_plan_is_empty(kvmrt, tmp_path, suffix):
    file = tmp_path / f"new.{suffix}"
    code, shown, _ = kvmrt("import", "-f", str(file))

    assert code == 0
    assert shown.endswith(f"{file}: 5 added\n")
    assert kvmrt("plan", "-f", str(file), "--detailed-exitcode")[0] == 0
    code, shown, _ = kvmrt("import", "-f", str(file))
    assert (code, shown.splitlines()[-1]) == (0, f"{file}: 5 present")


def test_named_domains_are_imported_one_by_one(kvmrt, tmp_path):
    file = tmp_path / "new.cfg"
    kvmrt("import", "-f", str(file), "gateway")
    before = file.read_text()
    code, shown, _ = kvmrt("import", "-f", str(file), "hmi", "gateway", "--json")
    document = json.loads(shown)

    assert code == 0
    assert file.read_text().startswith(before)
    assert [(one["name"], one["outcome"]) for one in document["domains"]] == [
        ("gateway", "present"), ("hmi", "added"),
    ]  # fmt: skip


def test_a_dry_run_shows_the_lines_and_writes_none(kvmrt, tmp_path):
    file = tmp_path / "new.cfg"
    code, shown, _ = kvmrt("import", "-f", str(file), "--dry-run", "gateway")

    assert code == 0
    assert "+cpuset = 1-3" in shown.splitlines()
    assert shown.endswith("1 added (not written)\n")
    assert not file.exists()


def test_a_name_that_libvirt_does_not_know_is_refused_with_those_it_knows(kvmrt, tmp_path):
    file = tmp_path / "new.cfg"
    code, _, complaint = kvmrt("import", "-f", str(file), "gatewya")

    assert code == 1
    assert "libvirt has no domain named gatewya" in complaint
    assert "gateway" in complaint
    assert not file.exists()


def test_a_file_with_errors_is_not_touched(kvmrt, tmp_path):
    file = tmp_path / "broken.cfg"
    file.write_text("[x]\nname = y\n")
    code, _, complaint = kvmrt("import", "-f", str(file))

    assert code == 1
    assert "KR007" in complaint
    assert file.read_text() == "[x]\nname = y\n"


def test_an_empty_file_is_filled(kvmrt, tmp_path):
    file = tmp_path / "empty.cfg"
    file.write_text("# ours\n")

    assert kvmrt("import", "-f", str(file), "gateway")[0] == 0
    assert file.read_text().startswith("# ours\n\n[6d4a1a4e-")


def test_a_host_without_libvirt_has_nothing_to_import(kvmrt, host, tmp_path):
    document = json.loads(host.read_text())
    document["libvirt"] = {
        "uri": "qemu:///system",
        "problem": "no socket",
        "version": 0,
        "domains": [],
    }
    host.write_text(json.dumps(document))
    code, _, complaint = kvmrt("import", "-f", str(tmp_path / "new.cfg"))

    assert code == 1
    assert "no socket" in complaint
    assert "start libvirtd" in complaint


def test_sync_changes_definitions_and_nothing_else(kvmrt, host, tmp_path, repository):
    before = load_snapshot(host.read_text(), file="host.json")
    file = str(repository / "examples" / "two-socket.yaml")
    code, shown, _ = kvmrt("sync", "-f", file, "--yes")
    after = load_snapshot(host.read_text(), file="host.json")

    assert code == 0, shown
    assert dict(after.files) == dict(before.files)
    assert after.libvirt != before.libvirt
    assert not (tmp_path / "host.json.state" / "run" / "held.json").exists()
    assert kvmrt("sync", "-f", file, "--yes")[1].splitlines()[-1].startswith("nothing to do")
    # The host's own policies are still to come.
    assert kvmrt("plan", "-f", file, "--detailed-exitcode")[0] == 2


def test_sync_can_be_narrowed_to_vms_and_takes_no_plan_for_a_vm(
    kvmrt, host, tmp_path, repository, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gateway").write_text("{}")
    file = str(repository / "examples" / "two-socket.yaml")
    before = settings(host, GATEWAY)
    code, _, complaint = kvmrt("sync", "-f", file, "--yes", "rt-io")

    assert (code, complaint) == (0, "")
    assert settings(host, GATEWAY) == before


def test_sync_the_other_way_round_updates_the_file(kvmrt, tmp_path):
    file = tmp_path / "kvmrt.cfg"
    kvmrt("import", "-f", str(file))
    text = file.read_text()
    file.write_text(text.replace("cpuset = 1-3", "cpuset = 4"))
    code, shown, _ = kvmrt("sync", "-r", "-f", str(file))

    assert code == 0
    assert "cpuset 4 -> 1-3" in shown
    assert file.read_text() == text


def test_validate_prints_findings_and_ends_with_1_for_errors(kvmrt, tmp_path, repository):
    good = str(repository / "examples" / "two-socket.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text(f"vms:\n  gateway: {{uuid: {GATEWAY}, cpuset: 90, nr_vcpus: 2}}\n")

    assert kvmrt("validate", "-f", good)[0] == 0
    assert kvmrt("validate", "-f", good, "--strict")[0] == 1
    code, shown, _ = kvmrt("validate", "-f", str(bad))
    assert code == 1
    assert "KR110" in shown
    assert shown.splitlines()[-1] == f"{bad}: 1 error, 1 advice"
    code, shown, _ = kvmrt("validate", "-f", str(bad), "--no-host")
    assert (code, shown.splitlines()[-1]) == (0, f"{bad}: 1 advice")


def test_validate_as_json_has_the_findings_of_a_file_that_cannot_be_read(kvmrt, tmp_path):
    file = tmp_path / "bad.cfg"
    file.write_text(f"[{GATEWAY}]\nname = x\ncpuset = 4-\n")
    code, shown, _ = kvmrt("validate", "-f", str(file), "--json")
    document = json.loads(shown)

    assert code == 1
    assert document["summary"] == {"errors": 1, "warnings": 0}
    assert [(one["code"], one["source"]) for one in document["findings"]] == [
        ("KR008", f"{file}:3")
    ]


def test_validate_without_a_host_takes_no_host(capsys, host, repository):
    file = str(repository / "examples" / "two-socket.yaml")
    code = main(["validate", "-f", file, "--no-host", "--host", str(host)])

    assert code == 1
    assert "--no-host does not go together with --host" in capsys.readouterr().err


def test_validate_host_ends_with_1_when_a_check_fails(kvmrt, repository):
    file = str(repository / "examples" / "two-socket.yaml")
    code, shown, _ = kvmrt("validate-host", "-f", file)
    document = json.loads(kvmrt("validate-host", "-f", file, "--json")[1])

    assert code == (1 if document["summary"]["fail"] else 0)
    assert len(document["checks"]) == 53
    assert shown.splitlines()[-1].startswith("53 checks: ")
    assert kvmrt("validate-host", "-f", file, "--strict")[0] == 1


def test_a_quiet_check_shows_only_what_is_wrong(kvmrt):
    _, shown, _ = kvmrt("validate-host", "-q")

    assert "53 checks" in shown
    assert not any(line.startswith(("pass", "skip")) for line in shown.splitlines())

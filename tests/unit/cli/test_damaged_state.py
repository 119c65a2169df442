# SPDX-License-Identifier: Apache-2.0
"""Files of the state folder that somebody damaged: one error that names the file and the way out."""

from __future__ import annotations

import errno
import json
import os

import pytest
from guest_hosts import Host, quiet_host

from kvmrt_plan.cli.main import main
from kvmrt_plan.hosts.simulated import storage

#: Contents that are no JSON, or JSON of another shape than any that is expected.
DAMAGED = [b"{", b"[]", b"3", b"null", b'"x"', b"\xff\xfe", b"{}", b"[" * 100_000]


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path, quiet_host())


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("content", DAMAGED)
@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("journal", "move it away"),
        ("run/held.json", "remove it"),
        ("run/boot.json", "remove it"),
        ("run/unconfirmed.json", "delete it"),
        ("run/topology.json", "remove it"),
    ],
)
def test_a_damaged_file_is_one_error_that_names_it_and_the_way_out(
    host, capsys, name, way_out, content
):
    assert main(["boot", *host.arguments]) == 0
    state = host.path.with_name("host.json.state")
    # A journal's first line is only read when it is whole.
    (state / name).write_bytes(content + b"\n" * (name == "journal"))
    before = host.snapshot()
    capsys.readouterr()

    code = main(["shutdown", *host.arguments])

    told = words(capsys.readouterr().err)
    assert code == 1, told
    assert os.path.basename(name) in told
    assert way_out in told
    assert "Traceback" not in told
    assert host.snapshot() == before


def test_held_values_that_are_no_texts_are_damage(host, capsys):
    assert main(["boot", *host.arguments]) == 0
    file = host.path.with_name("host.json.state") / "run" / "held.json"
    document = json.loads(file.read_text())
    next(iter(document["values"].values()))["original"] = 5
    file.write_text(json.dumps(document))
    capsys.readouterr()

    assert main(["plan", *host.arguments]) == 1
    assert "held.json: is damaged" in words(capsys.readouterr().err)


def test_a_damaged_run_of_the_history_is_passed_over(host, capsys):
    main(["apply", *host.arguments, "--yes", "rt-motion"])
    (host.path.with_name("host.json.state") / "history" / "zzz").write_bytes(b"[]\n")
    capsys.readouterr()

    assert main(["revert", "--yes", "--host", str(host.path)]) == 0
    assert "zzz" in capsys.readouterr().err


def test_a_full_disk_at_the_end_does_not_hide_how_the_run_ended(host, capsys, monkeypatch):
    def full(_path, _text, **_more):
        from kvmrt_plan.errors import HostError

        raise HostError(f"host.json cannot be written: {os.strerror(errno.ENOSPC)}", "make room")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_document", full)
        code = main(["apply", *host.arguments, "--yes", "rt-motion"])
    told = words(capsys.readouterr().err)

    assert code == 0
    assert "No space left on device" in told
    assert "host.json.writes and count" in told
    assert main(["plan", *host.arguments, "rt-motion", "--detailed-exitcode"]) == 0
    assert main(["recover", "--host", str(host.path)]) == 0
    assert not host.path.with_name("host.json.writes").exists()
    assert main(["plan", *host.arguments, "rt-motion", "--detailed-exitcode"]) == 0


def test_a_vm_to_release_that_is_not_there_is_an_error_that_names_those_that_are(host, capsys):
    assert main(["apply", *host.arguments, "--yes", "--release", "rt-moton"]) == 1

    told = words(capsys.readouterr().err)
    assert "has no VM named rt-moton" in told
    assert "it has: rt-motion, rt-io, gateway" in told

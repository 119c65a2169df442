# SPDX-License-Identifier: Apache-2.0
"""Installing and removing kvmrt.service."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from guest_hosts import Host, quiet_host

from kvmrt_plan.cli.main import main
from kvmrt_plan.hosts.live import LiveHost
from kvmrt_plan.plan.service import PATH, UNIT, quote, unit_text
from kvmrt_plan.values.filevalue import FileValue, format_file, parse_file

LINK = f"/etc/systemd/system/multi-user.target.wants/{UNIT}"


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path, quiet_host())


def install(host: Host, *more: str) -> int:
    return main(
        ["install-service", "--host", str(host.path), "--yes", "--program", "/usr/bin/kvmrt", *more]
    )


def test_it_writes_the_unit_and_enables_it(host):
    assert install(host, "-f", "/etc/my kvmrt.yaml") == 0

    found = host.snapshot()
    assert found.links[LINK] == PATH
    assert 'ExecStart=/usr/bin/kvmrt boot -f "/etc/my kvmrt.yaml"\n' in found.files[PATH]


def test_a_second_time_there_is_nothing_to_do(host, capsys):
    install(host)
    before = host.snapshot()
    capsys.readouterr()

    assert install(host) == 0

    assert host.snapshot() == before
    assert "no changes: 2 settings checked" in capsys.readouterr().out


def test_removing_it_leaves_the_host_as_it_was(host):
    before = host.snapshot()
    install(host)

    assert main(["install-service", "--remove", "--host", str(host.path), "--yes"]) == 0

    assert host.snapshot() == before


def test_a_revert_brings_the_old_unit_back(host):
    install(host)
    before = host.snapshot()
    install(host, "-f", "/etc/other.yaml")

    assert main(["revert", "--yes", "--host", str(host.path)]) == 0

    assert host.snapshot() == before


def test_a_dry_run_writes_nothing(host, capsys):
    before = host.snapshot()

    assert install(host, "--dry-run") == 0

    assert host.snapshot() == before
    assert "+ file /etc/systemd/system/kvmrt.service" in capsys.readouterr().out


@pytest.mark.parametrize("path", ["kvmrt.yaml", "/etc/a\nExecStartPre=/bin/sh"])
def test_a_path_that_a_unit_cannot_hold_is_refused(host, path):
    assert install(host, "-f", path) == 1
    assert PATH not in host.snapshot().files


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("/usr/bin/kvmrt", "/usr/bin/kvmrt"),
        ("/a b", '"/a b"'),
        ("/100%", "/100%%"),
        ("/$HOME", "/$$HOME"),
        ('/a"b', '"/a\\"b"'),
        ("/a\\b", "/a\\\\b"),
    ],
)
def test_words_are_quoted_as_systemd_reads_them(word, quoted):
    assert quote(word) == quoted


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_systemd_understands_the_unit(tmp_path):
    unit = tmp_path / UNIT
    unit.write_text(unit_text(program="/bin/true", configuration="/etc/a b%.yaml"))

    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert [line for line in ran.stderr.splitlines() if UNIT in line] == []


@pytest.mark.skipif(not shutil.which("systemctl"), reason="no systemctl")
def test_systemctl_enables_it_and_mode_and_owner_come_back(tmp_path):
    folder = tmp_path / "etc/systemd/system"
    folder.mkdir(parents=True)
    live = LiveHost(uri=None, root=str(tmp_path))
    owner = {"uid": os.getuid(), "gid": os.getgid()}
    text = unit_text(program="/bin/true", configuration=None)
    first = format_file(FileValue(mode=0o600, content="[Unit]\n", **owner))
    second = format_file(FileValue(mode=0o644, content=text, **owner))

    seen = [live.read_file(PATH)]
    for value in (first, second, first, second):
        live.replace_file(PATH, value)
        seen.append(live.read_file(PATH))
    live.set_enabled(UNIT, is_on=True)
    is_enabled = live.is_enabled(UNIT)
    live.set_enabled(UNIT, is_on=False)
    live.replace_file(PATH, None)

    assert seen == [None, first, second, first, second]
    assert (is_enabled, live.is_enabled(UNIT)) == (True, False)
    assert sorted(os.listdir(folder)) in ([], ["multi-user.target.wants"])


def test_a_link_in_the_place_of_the_unit_is_not_followed(tmp_path):
    from kvmrt_plan.errors import WriteRefusedError

    folder = tmp_path / "etc/systemd/system"
    folder.mkdir(parents=True)
    (tmp_path / "secret").write_text("x")
    (folder / UNIT).symlink_to(tmp_path / "secret")

    with pytest.raises(WriteRefusedError, match="ELOOP"):
        LiveHost(uri=None, root=str(tmp_path)).read_file(PATH)


@pytest.mark.parametrize("text", ["", "0644 0:0", "644 0:0\nx", "0644 root:root\nx", "0644 0:0 x"])
def test_what_is_no_file_is_refused(text):
    with pytest.raises(ValueError, match="no mode, owner and content"):
        parse_file(text)

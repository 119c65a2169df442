# SPDX-License-Identifier: Apache-2.0
"""The libvirtd that the tests run with: stand-ins say what is done with the daemons."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPTS = {
    # Answers once libvirtd is up.
    "virsh": 'test -e "$STAND_INS/up"',
    "virtlogd": 'echo $$ > "$STAND_INS/virtlogd.pid"; exec sleep 600',
    # Leaves an orphan behind that ends, as libvirt's probes of QEMU do.
    "libvirtd": 'echo $$ > "$STAND_INS/libvirtd.pid"\n'
    "(sh -c 'exec sleep 0.1' & echo $! > \"$STAND_INS/orphan.pid\") \n"
    'touch "$STAND_INS/up"; exec sleep 600',
}
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="daemons are only started by root")


def run(folder, repository, command, **environment):
    for name, text in SCRIPTS.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return subprocess.run(
        [sys.executable, repository / ".ci/with_libvirtd.py", "sh", "-c", command],
        env={
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "STAND_INS": str(folder),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def is_there(folder, name) -> bool:
    return os.path.exists(f"/proc/{(folder / f'{name}.pid').read_text().strip()}")


def test_daemons_live_as_long_as_the_command_and_orphans_are_reaped(tmp_path, repository):
    command = (
        'kill -0 $(cat "$STAND_INS/virtlogd.pid") $(cat "$STAND_INS/libvirtd.pid") || exit 9\n'
        'for i in 1 2 3 4 5 6 7 8 9 10; do test -e /proc/$(cat "$STAND_INS/orphan.pid") || exit 7; '
        "sleep 1; done"
    )

    ran = run(tmp_path, repository, command)

    assert ran.returncode == 7, ran.stderr
    assert not is_there(tmp_path, "virtlogd")
    assert not is_there(tmp_path, "libvirtd")


def test_one_that_answers_is_used_and_none_is_started(tmp_path, repository):
    (tmp_path / "up").touch()

    ran = run(tmp_path, repository, "exit 5")

    assert (ran.returncode, ran.stderr) == (5, "")
    assert not (tmp_path / "libvirtd.pid").exists()


def test_a_command_that_is_killed_gives_the_shells_exit_code(tmp_path, repository):
    assert run(tmp_path, repository, "kill -TERM $$").returncode == 143

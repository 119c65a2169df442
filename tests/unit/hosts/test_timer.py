# SPDX-License-Identifier: Apache-2.0
"""A timer outlives who started it; tests/contract/test_confirm.py runs real ones."""

from __future__ import annotations

from kvmrt_plan.hosts.timer import systemd_command


def test_systemd_is_asked_for_a_transient_timer_of_the_command():
    asked = systemd_command("kvmrt-revert-x", 60, ("/usr/bin/kvmrt", "revert", "x"), {})

    assert asked == (
        "systemd-run",
        "--quiet",
        "--collect",
        "--unit=kvmrt-revert-x",
        "--on-active=60.000s",
        "--timer-property=AccuracySec=100ms",
        "--",
        "/usr/bin/kvmrt",
        "revert",
        "x",
    )


def test_a_timer_of_systemd_finds_the_same_modules():
    asked = systemd_command("n", 1.5, ("python",), {"PYTHONPATH": "/srv/kvmrt", "HOME": "/root"})

    assert asked[-3:] == ("--setenv=PYTHONPATH=/srv/kvmrt", "--", "python")

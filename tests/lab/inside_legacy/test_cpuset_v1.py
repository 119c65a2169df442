# SPDX-License-Identifier: Apache-2.0
"""A real-time VM comes and goes on a host with cgroup v1: kvmrt's cpuset has the host's tasks meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab.inside.host_values import differences, host_values
from lab.inside.story import HOUSEKEEPING, NAME, SIBLINGS, kvmrt, make_guest

pytest.importorskip("libvirt")

CPUSETS = Path("/sys/fs/cgroup/cpuset")
#: PF_KTHREAD of the kernel's include/linux/sched.h.
_IS_KERNEL = 0x00200000


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()


def keep(name: str, output: str) -> None:
    """Leave it in /lab for who looks at a failure."""
    Path("/lab", name).write_text(output)


def run(*arguments: str) -> str:
    status, output = kvmrt(*arguments)
    keep(f"legacy-{arguments[0]}", output)
    assert status == 0, output
    return output


def left_in_root() -> dict[str, str]:
    """Names of the tasks that are no threads of the kernel and still in the root, by number."""
    found = {}
    for number in text(CPUSETS / "tasks").splitlines():
        try:
            stat = text(Path("/proc", number, "stat"))
        except OSError:
            continue
        if not int(stat.rpartition(")")[2].split()[6]) & _IS_KERNEL:
            found[number] = stat.partition("(")[2].rpartition(")")[0]
    return found


def test_a_realtime_vm_comes_and_goes_without_a_trace(tmp_path):
    file = make_guest(tmp_path)
    before = host_values()

    run("boot", "-f", file, NAME)
    assert text(CPUSETS / "kvmrt/cpuset.cpus") == HOUSEKEEPING
    assert left_in_root() == {}
    assert {
        cpu: text(Path(f"/sys/devices/system/cpu/cpu{cpu}/online")) for cpu in SIBLINGS
    } == dict.fromkeys(SIBLINGS, "0")
    run("plan", "-f", file, "--detailed-exitcode", NAME)
    assert "not held" not in run("stat", "--policies", "-f", file)

    run("shutdown", "-f", file, "--timeout", "120", NAME)
    assert not (CPUSETS / "kvmrt").exists()
    assert differences(before, host_values()) == {}

# SPDX-License-Identifier: Apache-2.0
"""Boots the lab and runs the tests of tests/lab/inside in it.

Off unless asked for (`-m lab`). Where QEMU or a kernel is not to be had they skip and say so, unless
KVMRT_LAB_REQUIRED says that they must run, as .ci/run does.
"""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ET

import pytest
from lab.inside.story import CPUS
from lab.inside_pytest import KVM_TESTS, pytest_command
from lab.kernel import LabError, LabMissingError
from lab.machine import FEW_KILLS, KILLS, Machine, run_in_lab

pytestmark = pytest.mark.lab

#: On two idle cores a fifth of it; the drift tests alone took 1080 s at a load of 13 to 17.
SMOKE_SECONDS, STORY_SECONDS, KILL_SECONDS = 1500, 2700, 300
#: What .ci/run runs on each change, within ten minutes: facts, the contract, and a VM that comes and goes.
SMOKE = [
    "tests/lab/inside/test_facts.py",
    "tests/lab/inside/test_live_host.py",
    "tests/lab/inside/test_story.py::test_apply_shields_the_vm_and_revert_leaves_no_trace",
    "tests/lab/inside/test_show.py",
]
#: As systemd takes it (kernel-command-line(7)).
LEGACY = "systemd.unified_cgroup_hierarchy=0"
#: 62 s on idle cores.
CLOUD_SECONDS = 400
#: The guest alone has 400 s to come up in.
KVM_SECONDS = 1200
FACTS = ["tests/lab/inside/test_facts.py", "tests/lab/inside/test_live_host.py"]


def in_lab(machine, command, *, seconds, folder):
    try:
        ended = run_in_lab(machine, command, seconds=seconds, folder=folder)
    except LabMissingError as error:
        if os.environ.get("KVMRT_LAB_REQUIRED"):
            raise
        pytest.skip(f"the lab needs {error}")
    times = f"lab: up after {ended.up_seconds:.1f} s, {ended.total_seconds:.1f} s in all"
    sys.stdout.write(f"{ended.output[-1500:]}\n{times}\n")
    return ended


def skipped(folder) -> list[str]:
    cases = ET.parse(folder / "junit.xml").iter("testcase")
    return [case.get("name") for case in cases if case.find("skipped") is not None]


def test_a_vm_comes_and_goes_on_a_realtime_host(tmp_path):
    machine = Machine(cpus=CPUS, has_systemd=True, has_libvirt=True)

    ended = in_lab(machine, pytest_command(SMOKE), seconds=SMOKE_SECONDS, folder=tmp_path)

    assert ended.status == 0, ended.output[-6000:]
    assert skipped(tmp_path) == []


@pytest.mark.slow
def test_a_vm_comes_and_goes_on_a_host_with_cgroup_v1(tmp_path):
    machine = Machine(cpus=CPUS, has_systemd=True, has_libvirt=True, boot_arguments=LEGACY)
    command = pytest_command(["tests/lab/inside_legacy"])

    ended = in_lab(machine, command, seconds=SMOKE_SECONDS, folder=tmp_path)

    assert ended.status == 0, ended.output[-6000:]
    assert skipped(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["rt", "newer"])
def test_everything_on_a_realtime_host(tmp_path, kernel):
    machine = Machine(kernel=kernel, cpus=CPUS, has_systemd=True, has_libvirt=True)
    limit = STORY_SECONDS + KILL_SECONDS * int(os.environ.get(KILLS, FEW_KILLS))

    ended = in_lab(machine, pytest_command(["tests/lab/inside"]), seconds=limit, folder=tmp_path)

    assert ended.status == 0, ended.output[-6000:]
    assert skipped(tmp_path) == []


@pytest.mark.slow
def test_a_realtime_vm_under_real_kvm(tmp_path):
    machine = Machine(has_systemd=True, has_libvirt=True, has_kvm=True)

    ended = in_lab(machine, pytest_command(KVM_TESTS), seconds=KVM_SECONDS, folder=tmp_path)

    assert ended.status == 0, ended.output[-6000:]
    assert skipped(tmp_path) == []


def test_features_are_detected_on_another_kernel(tmp_path):
    """Debian's cloud kernel: no real-time preemption, no 9p, and nobody who told kvmrt so."""
    lines = ["set -e", pytest_command(FACTS), "uname -r >/lab/release", "exit 7"]

    machine = Machine(kernel="cloud", cpus=CPUS)
    ended = in_lab(machine, "\n".join(lines), seconds=CLOUD_SECONDS, folder=tmp_path)

    assert ended.status == 7, ended.output[-6000:]
    assert "cloud" in (tmp_path / "release").read_text()


@pytest.mark.slow
def test_a_command_that_does_not_end_is_killed(tmp_path):
    with pytest.raises(LabError, match=r"did not end within 40 s(?s:.*)it has begun"):
        in_lab(Machine(), "echo it has begun; sleep 1000", seconds=40, folder=tmp_path)

# SPDX-License-Identifier: Apache-2.0
"""Units of systemd leave the memory of a node that belongs to a real-time VM, and get it back."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from lab.inside.host_values import differences, host_values, without_cpusets
from lab.inside.story import DOMAIN, NAME, configuration_of, kvmrt, make_guest

pytest.importorskip("libvirt")
pytestmark = pytest.mark.skipif(
    not os.path.isdir("/run/systemd/system") or not os.path.exists("/run/libvirt/libvirt-sock"),
    reason="the lab was booted without systemd or libvirt",
)

#: Every CPU of node 1, with the siblings.
CONFIGURATION = "host:\n  memory_shield: true\n" + configuration_of(cpuset="6,8,10", nr_vcpus=2)
UNITS = ("init.scope", "system.slice", "user.slice")


def nodes(unit: str) -> str:
    return Path(f"/sys/fs/cgroup/{unit}/cpuset.mems.effective").read_text().strip()


def asked(unit: str) -> str:
    """AllowedMemoryNodes, as systemd has it."""
    command = ["systemctl", "show", "--value", "-p", "AllowedMemoryNodes", unit]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_units_leave_a_vms_node_and_get_it_back(tmp_path):
    domain = DOMAIN.replace("'static'>4<", "'static'>2<")
    file = make_guest(tmp_path, configuration=CONFIGURATION, domain=domain)
    before = host_values()

    status, output = kvmrt("apply", "-f", file, "--yes", NAME)
    assert status == 0, output
    present = [unit for unit in UNITS if os.path.isdir(f"/sys/fs/cgroup/{unit}")]
    assert {unit: (nodes(unit), asked(unit)) for unit in present} == dict.fromkeys(
        present, ("0", "0")
    )
    status, output = kvmrt("plan", "-f", file, "--detailed-exitcode", NAME)
    assert status == 0, output

    status, output = kvmrt("revert", "--yes")
    assert status == 0, output
    assert without_cpusets(differences(before, host_values())) == {}

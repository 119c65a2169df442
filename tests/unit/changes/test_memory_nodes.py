# SPDX-License-Identifier: Apache-2.0
"""The memory of whole nodes is kept for RT VMs, and given back."""

from __future__ import annotations

import pytest
from guest_hosts import MOTION, Host, quiet_host

from kvmrt_plan.cli.main import main
from kvmrt_plan.hosts.site import open_site
from kvmrt_plan.values.cpuset import CpuSet

UNITS = ("init.scope", "system.slice", "user.slice")
CONFIGURATION = f"""\
host: {{memory_shield: true}}
vms:
  rt-motion: {{uuid: {MOTION}, nr_vcpus: 4, cpuset: 8-15, rt: true}}
"""


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path, quiet_host(), CONFIGURATION)


def nodes(host):
    """What each unit's memory may come from."""
    texts = host.texts()
    return {
        unit: texts[f"/sys/fs/cgroup/{unit}/cpuset.mems.effective"].strip()
        for unit in (*UNITS, "machine.slice")
    }


def run(host, name, *arguments):
    given = host.arguments[2:] if name == "revert" else host.arguments
    return main([name, *given, *arguments])


def test_units_leave_the_node_of_an_rt_vm_and_return_with_it(host, capsys):
    assert run(host, "apply", "--yes") == 0
    said = capsys.readouterr().out
    during = nodes(host)
    assert run(host, "plan", "--detailed-exitcode") == 0

    assert run(host, "shutdown", "rt-motion") == 0

    assert "~ system.slice AllowedMemoryNodes" in said
    assert during == {**dict.fromkeys(UNITS, "0"), "machine.slice": "0-1"}
    assert nodes(host) == dict.fromkeys((*UNITS, "machine.slice"), "0-1")


def test_a_revert_gives_the_nodes_back(host):
    assert run(host, "apply", "--yes") == 0

    assert run(host, "revert", "--yes") == 0

    assert nodes(host) == dict.fromkeys((*UNITS, "machine.slice"), "0-1")


def test_nodes_that_somebody_else_has_set_since_stay_when_the_vm_goes(host):
    assert run(host, "apply", "--yes") == 0
    with open_site(host.location, purpose="test") as opened:
        opened.host.set_allowed_nodes("user.slice", CpuSet((1,)))

    assert run(host, "shutdown", "rt-motion") == 0

    assert nodes(host)["user.slice"] == "1"


def test_without_the_attribute_no_unit_is_confined(host):
    host.file.write_text(CONFIGURATION.replace("host: {memory_shield: true}\n", ""))

    assert run(host, "apply", "--yes") == 0

    assert nodes(host) == dict.fromkeys((*UNITS, "machine.slice"), "0-1")

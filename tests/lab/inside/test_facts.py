# SPDX-License-Identifier: Apache-2.0
"""What kvmrt sees of the lab."""

from __future__ import annotations

import json
import os

from lab.inside.story import CONFIGURATION, SIBLINGS, kvmrt

from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.values.cpuset import CpuSet


def test_a_snapshot_has_the_sockets_siblings_nodes_and_kernel_of_the_lab(tmp_path):
    path = tmp_path / "lab.json"

    status, output = kvmrt("snapshot", "-o", str(path), "--no-libvirt", "--name", "lab")

    facts = gather_facts(load_snapshot(path.read_bytes(), file=path.name))
    assert status == 0, output
    count = os.cpu_count() or 0
    half = count // 2
    assert facts.cpus.online == CpuSet(range(count))
    assert [facts.cpus.siblings_of(cpu) for cpu in range(count)] == [
        CpuSet((cpu & ~1, cpu | 1)) for cpu in range(count)
    ]
    assert [str(node.cpus) for node in facts.cpus.nodes.values()] == [
        f"0-{half - 1}", f"{half}-{count - 1}",
    ]  # fmt: skip
    assert facts.kernel.is_realtime is ("PREEMPT_RT" in os.uname().version)
    assert os.environ.get("KVMRT_LAB_KERNEL") != "rt" or facts.kernel.is_realtime


def test_the_topology_names_every_cpu():
    status, output = kvmrt("topology", "--json")

    assert status == 0
    assert len(json.loads(output)["nodes"]) == 2
    assert output.count('"id"') >= 8


def test_a_plan_can_be_made_without_libvirt(tmp_path):
    path = tmp_path / "kvmrt.yaml"
    path.write_text(CONFIGURATION)
    snapshot = tmp_path / "lab.json"
    assert kvmrt("snapshot", "-o", str(snapshot), "--no-libvirt")[0] == 0

    status, output = kvmrt("plan", "-f", str(path), "--host", str(snapshot), "--json", "rt1")

    document = json.loads(output)
    offline = {one["address"] for one in document["actions"] if one["after"] == "offline"}
    assert status == 0, output
    assert offline == {f"cpu/{cpu}" for cpu in SIBLINGS}

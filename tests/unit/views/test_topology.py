# SPDX-License-Identifier: Apache-2.0
"""The topology as a document and as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.facts.recorded import RECORDED_PATH
from kvmrt_plan.facts.snapshot import Snapshot
from kvmrt_plan.views.topology import render_topology, topology_document

if TYPE_CHECKING:
    from kvmrt_plan.facts.host import HostFacts

CPU = "/sys/devices/system/cpu"
NODE = "/sys/devices/system/node"
RECORD = '{"format": "kvmrt-topology", "siblings": {"1": "1,5", "5": "1,5"}}'


def _facts(files: dict[str, str]) -> HostFacts:
    return gather_facts(Snapshot(name="host", captured="now", files=files))


def _core(cpu: int, *, core: int, siblings: str, socket: int = 0, die: int = 0) -> dict[str, str]:
    folder = f"{CPU}/cpu{cpu}/topology"
    return {
        f"{folder}/core_id": f"{core}\n",
        f"{folder}/physical_package_id": f"{socket}\n",
        f"{folder}/die_id": f"{die}\n",
        f"{folder}/thread_siblings_list": f"{siblings}\n",
    }


def test_tree_is_that_of_the_guide() -> None:
    facts = _facts(
        {f"{CPU}/online": "0-1,4-5\n", f"{NODE}/node0/cpulist": "0-1,4-5\n"}
        | _core(0, core=0, siblings="0,4")
        | _core(4, core=0, siblings="0,4")
        | _core(1, core=1, siblings="1,5")
        | _core(5, core=1, siblings="1,5")
    )
    assert render_topology(facts.cpus) == (
        "NUMA Node 0:\n"
        "  Core 0:          [Socket 0]\n"
        "    CPU 0\n"
        "    CPU 4\n"
        "  Core 1:          [Socket 0]\n"
        "    CPU 1\n"
        "    CPU 5\n"
    )


def test_offline_cpus_stand_in_place_where_their_siblings_are_recorded() -> None:
    facts = _facts(
        {
            f"{CPU}/online": "0-2\n",
            f"{CPU}/present": "0-2,4-5\n",
            f"{NODE}/node0/cpulist": "0-1\n",
            f"{NODE}/node3/meminfo": "Node 3 MemTotal: 1024 kB\n",
            RECORDED_PATH: RECORD,
        }
        | _core(0, core=0, siblings="0")
        | _core(1, core=0, siblings="1", socket=1, die=2)
    )
    assert render_topology(facts.cpus) == (
        "NUMA Node 0:\n"
        "  Core 0:          [Socket 0, Die 0]\n"
        "    CPU 0\n"
        "  Core 0:          [Socket 1, Die 2]\n"
        "    CPU 1\n"
        "    CPU 5 (offline)\n"
        "NUMA Node 3:\n"
        "  no CPU\n"
        "No NUMA Node:\n"
        "  Core ?:          [Socket ?, Die ?]\n"
        "    CPU 2\n"
        "Offline:\n"
        "    CPU 4\n"
    )


def test_host_without_numa_has_one_heading() -> None:
    facts = _facts({f"{CPU}/online": "0\n"} | _core(0, core=0, siblings="0", socket=-1))
    tree = "No NUMA:\n  Core 0:          [Socket ?]\n    CPU 0\n"
    assert render_topology(facts.cpus) == tree


def test_document_says_null_where_the_kernel_says_nothing() -> None:
    facts = _facts(
        {
            f"{CPU}/online": "0,2\n",
            f"{CPU}/present": "0-2\n",
            f"{NODE}/node1/cpulist": "0\n",
            f"{NODE}/node1/distance": "10\n",
            f"{NODE}/node1/meminfo": "Node 1 MemTotal: 1024 kB\nNode 1 MemFree: 512 kB\n",
        }
        | _core(0, core=3, siblings="0,2", socket=1)
    )
    nothing = {"socket": None, "die": None, "core": None, "node": None, "siblings": None}
    assert topology_document(facts.cpus) == {
        "format_version": "1.1",
        "cpus": [
            {"id": 0, "online": True, "socket": 1, "die": 0, "core": 3, "node": 1}
            | {"siblings": [0, 2]},
            {"id": 1, "online": False} | nothing,
            {"id": 2, "online": True} | nothing,
        ],
        "nodes": [
            {"id": 1, "cpus": [0], "memory_kib": 1024, "free_kib": 512, "distances": {"1": 10}}
        ],
    }

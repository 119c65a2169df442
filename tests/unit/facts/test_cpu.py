# SPDX-License-Identifier: Apache-2.0
"""CPUs and NUMA nodes from sysfs texts."""

from __future__ import annotations

import pytest

from kvmrt_plan.errors import FactError
from kvmrt_plan.facts.cpu import Cpu, CpuTopology, Node, parse_cpus
from kvmrt_plan.facts.recorded import RECORDED_PATH
from kvmrt_plan.facts.snapshot import Snapshot
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

CPU = "/sys/devices/system/cpu"
NODE = "/sys/devices/system/node"


def _parse(files: dict[str, str], links: dict[str, str] | None = None) -> CpuTopology:
    return parse_cpus(Snapshot(name="host", captured="", files=files, links=links or {}))


def test_core_with_two_threads_on_one_node() -> None:
    topology = _parse(
        {
            f"{CPU}/online": "0-1\n",
            f"{CPU}/present": "0-1\n",
            f"{CPU}/cpu0/topology/physical_package_id": "0\n",
            f"{CPU}/cpu0/topology/die_id": "1\n",
            f"{CPU}/cpu0/topology/core_id": "4\n",
            f"{CPU}/cpu0/topology/thread_siblings_list": "0-1\n",
            f"{CPU}/cpu1/online": "1\n",
            f"{CPU}/cpu1/topology/core_cpus": "3\n",
            f"{NODE}/node0/cpulist": "0-1\n",
            f"{NODE}/node0/distance": "10\n",
            f"{NODE}/node0/meminfo": "Node 0 MemTotal:  2048 kB\nNode 0 MemFree:  1024 kB\n",
        }
    )
    both = CpuSet((0, 1))
    assert topology == CpuTopology(
        cpus={
            0: Cpu(
                id=0,
                is_online=True,
                socket=0,
                die=1,
                core=4,
                node=0,
                siblings=both,
                is_hotpluggable=False,
            ),
            1: Cpu(id=1, is_online=True, node=0, siblings=both),
        },
        nodes={0: Node(id=0, cpus=both, memory_kib=2048, free_kib=1024, distances={0: 10})},
        present=both,
        online=both,
        recorded_siblings={},
    )


def test_empty_snapshot_has_no_cpu() -> None:
    assert _parse({}) == CpuTopology(
        cpus={}, nodes={}, present=EMPTY, online=EMPTY, recorded_siblings={}
    )


def test_folders_tell_what_is_present_where_no_file_does() -> None:
    topology = _parse(
        {f"{CPU}/cpu7/online": "0\n"}, {f"{CPU}/cpu2": "", f"{CPU}/cpuidle": "", f"{CPU}/cpu02": ""}
    )
    assert (topology.present, topology.online) == (CpuSet((2, 7)), CpuSet((2,)))


def test_cpu_online_outweighs_the_file_of_the_cpu() -> None:
    topology = _parse({f"{CPU}/online": "0-1\n", f"{CPU}/cpu1/online": "0\n"})
    assert topology.cpus[1].is_online


def test_offline_cpu_has_no_siblings_even_with_a_stale_topology_folder() -> None:
    topology = _parse(
        {
            f"{CPU}/online": "0\n",
            f"{CPU}/present": "0-1\n",
            f"{CPU}/cpu0/topology/thread_siblings_list": "0-1\n",
            f"{CPU}/cpu1/online": "0\n",
            f"{CPU}/cpu1/topology/thread_siblings_list": "0-1\n",
        }
    )
    assert topology.cpus[0].siblings == CpuSet((0,))
    assert topology.cpus[1] == Cpu(
        id=1, is_online=False, siblings=CpuSet((1,)), has_known_siblings=False
    )


def test_recorded_siblings_outlive_the_offline_cpu() -> None:
    topology = _parse(
        {
            f"{CPU}/online": "0-3\n",
            f"{CPU}/present": "0-4\n",
            RECORDED_PATH: '{"format": "kvmrt-topology", "siblings": {"4": "0,4,9", "9": "9"}}',
        }
    )
    assert topology.recorded_siblings == {4: CpuSet((0, 4))}
    assert topology.siblings_of(4) == CpuSet((0, 4))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": "kvmrt-topology"}',
        '{"format": "kvmrt-snapshot", "siblings": {}}',
        '{"format": "kvmrt-topology", "siblings": {"x": "0"}}',
        '{"format": "kvmrt-topology", "siblings": {"0": 1}}',
        '{"format": "kvmrt-topology", "siblings": {"0": "3-1"}}',
        "[" * 100_000,
    ],
)
def test_damaged_record_is_named(text: str) -> None:
    with pytest.raises(FactError) as raised:
        _parse({RECORDED_PATH: text})
    assert raised.value.path == RECORDED_PATH


def test_distances_follow_the_ids_of_the_nodes_that_exist() -> None:
    nodes = _parse(
        {f"{NODE}/node3/distance": "10 32\n", f"{NODE}/node12/distance": "32 10\n"}
    ).nodes
    assert {number: node.distances for number, node in nodes.items()} == {
        3: {3: 10, 12: 32},
        12: {3: 32, 12: 10},
    }


def test_distances_of_another_number_of_nodes_are_refused() -> None:
    with pytest.raises(FactError, match="has 2 distances for 1 nodes"):
        _parse({f"{NODE}/node0/distance": "10 21\n"})


def test_link_of_the_cpu_decides_between_nodes_that_both_list_it() -> None:
    topology = _parse(
        {
            f"{CPU}/online": "0-1\0\n",
            f"{NODE}/node0/cpulist": "0-1\n",
            f"{NODE}/node1/cpumap": "3\n",
        },
        {f"{CPU}/cpu1/node1": "../../node/node1"},
    )
    assert [cpu.node for cpu in topology.cpus.values()] == [0, 1]


def test_offline_cpu_keeps_the_node_that_links_it() -> None:
    topology = _parse(
        {f"{CPU}/online": "0\n", f"{CPU}/present": "0-1\n"},
        {f"{NODE}/node0/cpu0": "../../cpu/cpu0", f"{NODE}/node0/cpu1": "../../cpu/cpu1"},
    )
    assert topology.cpus[1].node == 0
    assert topology.nodes[0].cpus == CpuSet((0,))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{CPU}/online", "0-"),
        (f"{CPU}/present", "1,,2"),
        (f"{CPU}/cpu0/topology/core_id", "one"),
        (f"{CPU}/cpu0/topology/core_id", "1" * 5000),
        (f"{CPU}/cpu0/topology/thread_siblings", "xyz"),
        (f"{NODE}/node0/cpulist", "99999999999"),
        (f"{NODE}/node0/meminfo", "Node 0 MemTotal: much kB\n"),
    ],
)
def test_text_that_no_kernel_prints_is_named(path: str, text: str) -> None:
    with pytest.raises(FactError) as raised:
        _parse({f"{CPU}/cpu0/online": "1\n", path: text})
    assert raised.value.path == path

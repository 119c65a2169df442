# SPDX-License-Identifier: Apache-2.0
"""Every captured host beside the checkout is read as its collection says it is.

The answers stand in expected/topology.tsv: made by reading the files and by comparing with hwloc.
"""

from __future__ import annotations

import csv
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from kvmrt_plan.cli.names import cpu_topology
from kvmrt_plan.facts.document import dump_snapshot, load_snapshot
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hosts.capture import capture_root
from kvmrt_plan.values.cpuset import CpuSet
from kvmrt_plan.views.topology import render_topology, topology_document

if TYPE_CHECKING:
    from pathlib import Path

    from kvmrt_plan.facts.snapshot import Snapshot

#: The rows of topology.tsv. Written out, so that a dump that is not found fails.
DUMPS = (
    "cadvisor/testdata_rpi4",
    "cadvisor/testdata_xeon4214_2socket",
    "ghw/linux-amd64-8581cf3a529e5d8b97ea876eade2f60d",
    "ghw/linux-amd64-offlineCPUs",
    "ghw/linux-arm64-c288e0776090cd558ef793b2a4e61939",
    "hotsos/kubernetes",
    "hwloc/16amd64-8n2c-cpusets",
    "hwloc/16em64t-4s2c2t-offlines",
    "hwloc/20em64t-hybrid-1p6c2t+2ca4co1t",
    "hwloc/20s390-2g6s4c",
    "hwloc/256ppc-8n8s4t",
    "hwloc/2arm-2c",
    "hwloc/2ps3-2t",
    "hwloc/32intel64-2p8co2t+8ve",
    "hwloc/48amd64-4pa2n6c-sparse",
    "hwloc/4fake-4gr1nu1pu",
    "hwloc/64amd64-4s2n4ca2co",
    "hwloc/64fake-4n2s2ca2c2t",
    "hwloc/8em64t-2s2ca2c-buggynuma",
    "hwloc/fakeheterocpunuma",
    "hwloc-x86+linux/5intel64-hybrid-lakefield",
    "libvirt-vircaps/linux-basic",
    "libvirt-vircaps/linux-basic-dies",
    "libvirt-vircaps/linux-hmat",
    "libvirt-vircaps/linux-resctrl",
    "libvirt-vircaps/linux-resctrl-skx",
    "libvirt-virhostcpudata/linux-high-ids",
    "libvirt-virhostcpudata/linux-subcores2",
    "libvirt-virhostcpudata/linux-test1",
    "libvirt-virhostcpudata/linux-test4",
    "libvirt-virhostcpudata/linux-test6",
    "libvirt-virhostcpudata/linux-with-die",
    "libvirt-virhostcpudata/linux-with-frequency",
    "nri/sample1",
    "nri/server",
    "nto/bare-metal-worker2.internal",
    "nto/sno-sno",
    "pcp/sysdev-root-001",
    "util-linux-chcpu/aarch64_Apple_Icestorm-M1-Pro",
    "util-linux-lscpu/arm-A510-A710-A715-X3",
    "util-linux-lscpu/loongarch-loongson_3a5000_hv",
    "util-linux-lscpu/ppc64-POWER7",
    "util-linux-lscpu/s390-lpar",
    "util-linux-lscpu/sparc64",
    "util-linux-lscpu/vmware_fpe",
    "util-linux-lscpu/x86_64-dell_e4310",
)


#: Folders with most of the files and nothing that is captured; left out to save time.
BULK = frozenset({"cache", "cpufreq", "cpuidle", "power", "thermal_throttle", "memory", "block"})


def _without_bulk(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    if BULK.isdisjoint(member.name.split("/")):
        return tarfile.data_filter(member, folder)
    return None


@pytest.fixture(scope="module")
def expected(shared_data: Path) -> dict[str, dict[str, str]]:
    with (shared_data / "expected" / "topology.tsv").open(encoding="utf-8") as lines:
        rows = csv.DictReader(lines, delimiter="\t")
        return {f"{row['source']}/{row['name']}": row for row in rows}


@pytest.fixture(scope="module", params=DUMPS)
def extracted(
    request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str]:
    dump = request.param
    folder = tmp_path_factory.mktemp("dump")
    with tarfile.open(shared_data / "hosts" / f"{dump}.tar.xz") as archive:
        archive.extractall(folder, filter=_without_bulk)
    return dump, str(folder / dump.partition("/")[2])


@pytest.fixture(scope="module")
def captured(extracted: tuple[str, str]) -> tuple[str, Snapshot]:
    dump, root = extracted
    return dump, capture_root(root, name=dump, captured="2026-11-22T10:12:00Z")


def test_the_list_of_dumps_is_the_collection(expected: dict[str, dict[str, str]]) -> None:
    assert sorted(expected) == sorted(DUMPS)


def test_topology_is_what_the_collection_says(
    captured: tuple[str, Snapshot], expected: dict[str, dict[str, str]]
) -> None:
    dump, snapshot = captured
    row = expected[dump]
    wanted = {key: row[key] for key in ("present", "online", "offline", "packages", "smt", "nodes")}
    if dump == "libvirt-virhostcpudata/linux-test1":
        # The collection calls its siblings contradictory: CPU 1 is missing in its own list "0".
        wanted["smt"] = "0;0-1"
    assert _reading(topology_document(gather_facts(snapshot).cpus)) == wanted


def test_nodes_without_cpus_are_those_of_the_collection(
    captured: tuple[str, Snapshot], expected: dict[str, dict[str, str]]
) -> None:
    dump, snapshot = captured
    nodes = gather_facts(snapshot).cpus.nodes.values()
    assert str(CpuSet(node.id for node in nodes if not node.cpus)) == expected[dump]["cpuless"]


def test_snapshot_file_gives_the_same_facts(captured: tuple[str, Snapshot]) -> None:
    dump, snapshot = captured
    again = load_snapshot(dump_snapshot(snapshot).encode("ascii"), file=dump)
    assert again == snapshot
    assert gather_facts(again) == gather_facts(snapshot)


def test_tree_shows_every_cpu_once(captured: tuple[str, Snapshot]) -> None:
    facts = gather_facts(captured[1])
    lines = render_topology(facts.cpus).splitlines()
    shown = [int(line.split()[1]) for line in lines if line.startswith("    CPU ")]
    assert sorted(shown) == list(facts.cpus.present)


def test_cpu_topology_prints_what_the_collection_says(
    extracted: tuple[str, str],
    expected: dict[str, dict[str, str]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dump, root = extracted
    monkeypatch.setattr("sys.argv", ["cpu-topology", "--root", root])
    with pytest.raises(SystemExit) as ended:
        cpu_topology()
    row = expected[dump]
    assert ended.value.code == 0
    printed = _printed(capsys.readouterr().out)
    assert {key: printed[key] for key in ("present", "online", "offline", "cpuless")} == {
        key: row[key] for key in ("present", "online", "offline", "cpuless")
    }
    nodes = [text.partition(":")[0] for text in row["nodes"].split(";") if text]
    assert printed["nodes"] == ";".join(nodes)
    if "buggynuma" not in dump and "fakeheterocpunuma" not in dump:
        assert printed["members"] == row["nodes"]


def _printed(text: str) -> dict[str, str]:
    """The tree, read as a person does: nodes in their order, CPUs below them, what is offline."""
    nodes: dict[str, set[int]] = {}
    cpus: dict[int, bool] = {}
    node, is_offline = "", False
    for line in text.splitlines():
        words = line.split()
        if line.startswith("NUMA Node "):
            node, is_offline = words[2].rstrip(":"), False
            nodes[node] = set()
        elif not line.startswith(" "):
            node, is_offline = "", line == "Offline:"
        elif words[0] == "CPU":
            number = int(words[1])
            assert number not in cpus
            cpus[number] = not is_offline and words[2:] != ["(offline)"]
            if node and cpus[number]:
                nodes[node].add(number)
    return {
        "present": str(CpuSet(cpus)),
        "online": str(CpuSet(cpu for cpu, is_online in cpus.items() if is_online)),
        "offline": str(CpuSet(cpu for cpu, is_online in cpus.items() if not is_online)),
        "nodes": ";".join(nodes),
        "members": ";".join(f"{number}:{CpuSet(members)}" for number, members in nodes.items()),
        "cpuless": str(CpuSet(int(number) for number, members in nodes.items() if not members)),
    }


def _reading(document: dict[str, Any]) -> dict[str, str]:
    cpus, nodes = document["cpus"], document["nodes"]
    cores = {tuple(cpu["siblings"]) for cpu in cpus if cpu["siblings"] is not None}
    sockets = {cpu["socket"] for cpu in cpus} - {None}
    return {
        "present": str(CpuSet(cpu["id"] for cpu in cpus)),
        "online": str(CpuSet(cpu["id"] for cpu in cpus if cpu["online"])),
        "offline": str(CpuSet(cpu["id"] for cpu in cpus if not cpu["online"])),
        "packages": str(len(sockets)),
        "smt": ";".join(str(CpuSet(core)) for core in sorted(cores)),
        "nodes": ";".join(f"{node['id']}:{CpuSet(node['cpus'])}" for node in nodes),
    }

# SPDX-License-Identifier: Apache-2.0
"""CPUs and NUMA nodes of the host.

Sources: Documentation/admin-guide/cputopology.rst and, in Documentation/ABI/,
testing/sysfs-devices-system-cpu and stable/sysfs-devices-node. Node ids may be sparse, a node may
have no CPU or no memory, and a host without NUMA has no node at all. The set of online CPUs is one
answer, given once: where cpu/online and cpuN/online disagree, cpu/online holds.
"""

from __future__ import annotations

from kvmrt_plan.errors import FactError
from kvmrt_plan.facts.reading import parse_int, read_cpulist, read_either, read_int
from kvmrt_plan.facts.recorded import parse_recorded_siblings
from kvmrt_plan.values.cpuset import EMPTY, MAX_ID, CpuSet
from kvmrt_plan.values.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.facts.texts import Texts

CPU_FOLDER = "/sys/devices/system/cpu"
NODE_FOLDER = "/sys/devices/system/node"


class Cpu(Record):
    """One logical CPU. What the kernel does not say is None, as the topology of an offline CPU."""

    id: int
    is_online: bool
    #: Online hardware threads of the same core, itself included; itself alone when unknown.
    siblings: CpuSet
    #: physical_package_id. -1 is the kernel's word for a package without a number (POWER, s390).
    socket: int | None = None
    die: int | None = None
    core: int | None = None
    node: int | None = None
    #: Whether the kernel names the siblings at all; False for an offline CPU.
    has_known_siblings: bool = True
    #: Whether /sys/devices/system/cpu/cpuN/online exists, so that the CPU can be taken offline.
    is_hotpluggable: bool = True


class Node(Record):
    """One NUMA node; a node may have no CPU, or no memory."""

    id: int
    #: The online ones.
    cpus: CpuSet
    #: Distance to each node by its id (local is 10), empty when the kernel does not say.
    distances: Mapping[int, int]
    memory_kib: int | None = None
    free_kib: int | None = None
    #: CPUs with an entry in the node's folder; offline ones may still have theirs.
    linked_cpus: CpuSet = EMPTY


class CpuTopology(Record):
    """All CPUs that are present and all NUMA nodes, by ascending id."""

    cpus: Mapping[int, Cpu]
    nodes: Mapping[int, Node]
    present: CpuSet
    online: CpuSet
    #: Sibling sets by CPU, recorded when all were online; the kernel forgets those of offline CPUs.
    recorded_siblings: Mapping[int, CpuSet]

    @property
    def offline(self) -> CpuSet:
        """Present, but not online."""
        return self.present - self.online

    def siblings_of(self, cpu: int) -> CpuSet:
        """All hardware threads of the CPU's core that are known, itself included."""
        known = self.recorded_siblings.get(cpu, CpuSet((cpu,)))
        return known | self.cpus[cpu].siblings if cpu in self.cpus else known

    def nodes_of(self, cpus: CpuSet) -> CpuSet:
        """The NUMA nodes on which any of these CPUs lies."""
        return CpuSet(node.id for node in self.nodes.values() if node.cpus & cpus)


def parse_cpus(texts: Texts) -> CpuTopology:
    """All CPUs and NUMA nodes.

    Complete on a host without NUMA, without SMT, with one CPU, and with sparse numbers; empty when
    the snapshot has no /sys/devices/system/cpu.

    Raises:
        FactError: a text is not what the kernel prints there.
    """
    present = _present(texts)
    online = _online(texts, present)
    nodes = _parse_nodes(texts, online)
    node_of = _nodes_by_cpu(texts, nodes)
    return CpuTopology(
        cpus={
            number: _parse_cpu(texts, number, online, node=node_of.get(number))
            for number in present
        },
        nodes=nodes,
        present=present,
        online=online,
        recorded_siblings=parse_recorded_siblings(texts, present),
    )


def _present(texts: Texts) -> CpuSet:
    folders = CpuSet(number for number, _ in _cpu_folders(texts))
    listed = read_cpulist(texts, f"{CPU_FOLDER}/present")
    online = read_cpulist(texts, f"{CPU_FOLDER}/online")
    # A listing of the folders is no substitute for the file: dumps drop empty folders.
    return (folders if listed is None else listed) | (online or CpuSet())


def _online(texts: Texts, present: CpuSet) -> CpuSet:
    listed = read_cpulist(texts, f"{CPU_FOLDER}/online")
    if listed is not None:
        return listed
    # cpuN/online is absent where the CPU cannot be taken offline (CPU 0 of x86): it is online.
    return CpuSet(n for n in present if read_int(texts, f"{CPU_FOLDER}/cpu{n}/online") != 0)


def _cpu_folders(texts: Texts) -> list[tuple[int, str]]:
    return [item for item in texts.numbered(CPU_FOLDER, "cpu") if item[0] <= MAX_ID]


def _parse_cpu(texts: Texts, number: int, online: CpuSet, *, node: int | None) -> Cpu:
    folder = f"{CPU_FOLDER}/cpu{number}"
    topology = f"{folder}/topology"
    known = _siblings(texts, topology) if number in online else None
    return Cpu(
        id=number,
        is_online=number in online,
        socket=read_int(texts, f"{topology}/physical_package_id"),
        die=_identity(texts, f"{topology}/die_id"),
        core=_identity(texts, f"{topology}/core_id"),
        node=node,
        # A firmware fault may leave the CPU out of its own list.
        siblings=CpuSet((number,)) | ((known or CpuSet()) & online),
        has_known_siblings=known is not None,
        is_hotpluggable=f"{folder}/online" in texts.files,
    )


def _identity(texts: Texts, path: str) -> int | None:
    number = read_int(texts, path)
    return None if number is None or number < 0 else number


def _siblings(texts: Texts, topology: str) -> CpuSet | None:
    # core_cpus is the newer name of the same thing (cputopology.rst).
    found = read_either(texts, f"{topology}/thread_siblings_list", f"{topology}/thread_siblings")
    if found is not None:
        return found
    return read_either(texts, f"{topology}/core_cpus_list", f"{topology}/core_cpus")


def _nodes_by_cpu(texts: Texts, nodes: Mapping[int, Node]) -> dict[int, int]:
    found: dict[int, int] = {}
    for node in nodes.values():
        for cpu in node.cpus | node.linked_cpus:
            found.setdefault(cpu, node.id)
    # The CPU's own link outweighs the nodes' lists: a firmware fault lists a CPU in several nodes.
    for number, folder in _cpu_folders(texts):
        own = [node for node, _ in texts.numbered(folder, "node") if node in nodes]
        if len(own) == 1:
            found[number] = own[0]
    return found


def _parse_nodes(texts: Texts, online: CpuSet) -> dict[int, Node]:
    folders = [item for item in texts.numbered(NODE_FOLDER, "node") if item[0] <= MAX_ID]
    ids = tuple(number for number, _ in folders)
    return {number: _parse_node(texts, number, ids, online) for number, _ in folders}


def _parse_node(texts: Texts, number: int, ids: tuple[int, ...], online: CpuSet) -> Node:
    folder = f"{NODE_FOLDER}/node{number}"
    linked = CpuSet(cpu for cpu, _ in texts.numbered(folder, "cpu") if cpu <= MAX_ID)
    listed = read_either(texts, f"{folder}/cpulist", f"{folder}/cpumap")
    memory = _parse_meminfo(texts, f"{folder}/meminfo")
    return Node(
        id=number,
        cpus=(linked if listed is None else listed) & online,
        memory_kib=memory.get("MemTotal"),
        free_kib=memory.get("MemFree"),
        distances=_parse_distances(texts, f"{folder}/distance", ids),
        linked_cpus=linked,
    )


def _parse_meminfo(texts: Texts, path: str) -> dict[str, int]:
    """`Node 0 MemTotal:       32728744 kB`, the two fields that matter."""
    found = {}
    for line in texts.files.get(path, "").splitlines():
        label, colon, value = line.partition(":")
        field = label.rpartition(" ")[2]
        if colon and field in ("MemTotal", "MemFree"):
            found[field] = parse_int(value.strip(" \0").removesuffix("kB").strip(), path)
    return found


def _parse_distances(texts: Texts, path: str, ids: tuple[int, ...]) -> dict[int, int]:
    """`10 21`: one number per online node (each has a folder), in the order of their ids."""
    text = texts.files.get(path)
    if text is None:
        return {}
    numbers = [parse_int(word, path) for word in text.strip("\0\n ").split()]
    if len(numbers) != len(ids):
        raise FactError(path, f"has {len(numbers)} distances for {len(ids)} nodes")
    return dict(zip(ids, numbers, strict=True))

# SPDX-License-Identifier: Apache-2.0
"""CPUs and NUMA nodes of a host, as a document for programs and as a tree for people.

The document says what the kernel says and null where it says nothing; packages are the distinct
sockets. The tree is KVM-RT's `cpu-topology`, with every CPU in exactly one place.
"""

from __future__ import annotations

from kvmrt_plan.values.cpuset import CpuSet, union
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.cpu_uses import CpuUse, share_document
from kvmrt_plan.views.table import render_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from kvmrt_plan.facts.cpu import Cpu, CpuTopology, Node

FORMAT_VERSION = "1.1"

#: Column of `[Socket 0]`, counted from the core's own indentation.
_SOCKET_COLUMN = 17


def topology_document(
    topology: CpuTopology, uses: Mapping[int, CpuUse] | None = None
) -> dict[str, Any]:
    """The document of `kvmrt topology --json`: CPUs and nodes by ascending id.

    With a configuration (`uses`) each CPU also says which VMs own it.
    """
    return {
        "format_version": FORMAT_VERSION,
        "cpus": [_cpu_document(cpu, uses) for cpu in topology.cpus.values()],
        "nodes": [_node_document(node) for node in topology.nodes.values()],
    }


def render_topology(topology: CpuTopology, uses: Mapping[int, CpuUse] | None = None) -> str:
    """The tree: nodes, under each its cores with their socket, under each its logical CPUs.

    An offline CPU stands with its core where its siblings are recorded, else at the end. With a
    configuration (`uses`) each CPU says what it does for whom.
    """
    return "\n".join(_lines(topology, uses or {})) + "\n"


def render_topology_table(topology: CpuTopology, uses: Mapping[int, CpuUse] | None = None) -> str:
    """A line per CPU."""
    headings = ["CPU", "STATE", "NODE", "SOCKET", "DIE", "CORE", "SIBLINGS"]
    headings += ["USE"] if uses is not None else []
    rows = [
        [
            str(cpu.id),
            "online" if cpu.is_online else "offline",
            *map(_number, (cpu.node, cpu.socket, cpu.die, cpu.core)),
            str(topology.siblings_of(cpu.id)) if cpu.has_known_siblings else "?",
            *([uses[cpu.id].text or "-"] if uses is not None else ()),
        ]
        for cpu in topology.cpus.values()
    ]
    return render_table(headings, rows, right=frozenset(headings[2:6]) | {"CPU"})


def _cpu_document(cpu: Cpu, uses: Mapping[int, CpuUse] | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": cpu.id,
        "online": cpu.is_online,
        "socket": cpu.socket,
        "die": cpu.die,
        "core": cpu.core,
        "node": cpu.node,
        "siblings": list(cpu.siblings) if cpu.has_known_siblings else None,
    }
    if uses is not None:
        document["vms"] = [share_document(share) for share in uses[cpu.id].shares]
        document["housekeeping"] = uses[cpu.id].is_housekeeping
    return document


def _node_document(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "cpus": list(node.cpus),
        "memory_kib": node.memory_kib,
        "free_kib": node.free_kib,
        # By node id; JSON has text for keys.
        "distances": {str(other): distance for other, distance in sorted(node.distances.items())},
    }


def _lines(topology: CpuTopology, uses: Mapping[int, CpuUse]) -> Iterator[str]:
    cores = _cores(topology)
    unplaced = topology.offline - union(core for group in cores.values() for core in group)
    for node in topology.nodes:
        yield f"NUMA Node {node}:"
        yield from _core_lines(topology, cores.pop(node, []), uses)
    homeless = cores.pop(None, [])
    if homeless:
        yield "No NUMA Node:" if topology.nodes else "No NUMA:"
        yield from _core_lines(topology, homeless, uses)
    if unplaced:
        yield "Offline:"
        yield from (_cpu_line(number, "", uses) for number in unplaced)


def _cores(topology: CpuTopology) -> dict[int | None, list[CpuSet]]:
    """Cores by node, each with its online CPUs and the offline ones recorded as their siblings.

    Grouped by siblings and not by core_id, which repeats on every socket and die.
    """
    found: dict[int | None, list[CpuSet]] = {}
    placed = CpuSet()
    for number in topology.online:
        if number in placed:
            continue
        node = topology.cpus[number].node
        members = CpuSet(
            sibling
            for sibling in topology.siblings_of(number) - placed
            if _belongs(topology, sibling, node)
        )
        placed |= members
        found.setdefault(node, []).append(members)
    return found


def _belongs(topology: CpuTopology, sibling: int, node: int | None) -> bool:
    cpu = topology.cpus.get(sibling)
    return cpu is not None and (not cpu.is_online or cpu.node == node)


def _core_lines(
    topology: CpuTopology, cores: list[CpuSet], uses: Mapping[int, CpuUse]
) -> Iterator[str]:
    if not cores:
        yield "  no CPU"
    has_dies = any(cpu.die for cpu in topology.cpus.values())
    for members in cores:
        first = topology.cpus[(members & topology.online).first]
        place = f"Socket {_number(first.socket)}"
        if has_dies:
            place += f", Die {_number(first.die)}"
        yield f"  {f'Core {_number(first.core)}:':<{_SOCKET_COLUMN}}[{place}]"
        for number in members:
            mark = "" if number in topology.online else " (offline)"
            yield _cpu_line(number, mark, uses)


def _cpu_line(number: int, mark: str, uses: Mapping[int, CpuUse]) -> str:
    text = f"    CPU {number}{mark}"
    use = uses[number].text if number in uses else ""
    return f"{text:<{_SOCKET_COLUMN + 1}} {escape_text(use)}" if use else text


def _number(known: int | None) -> str:
    # -1 is a package without a number.
    return "?" if known is None or known < 0 else str(known)

# SPDX-License-Identifier: Apache-2.0
"""`<numatune>`: the host NUMA nodes that the guest's memory comes from, as a whole and by guest cell.

libvirt takes bindings of single guest cells (`<memnode>`) with and without `<memory>`, but not beside
`placement='auto'` ("Per-node binding is not compatible with automatic NUMA placement"), so they never
stand in the way of a node set. When `<vcpu placement='auto'>` is set and nothing else is said, libvirt
adds `<memory placement='auto'/>` by itself: to get rid of the second, the first has to go too (key
`vcpu-placement`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.cpulist import canonical_cpuset, checked_cpuset, parse_cpuset
from kvmrt_plan.domainxml.setting import key_number, parse_number
from kvmrt_plan.values.cpuset import EMPTY, CpuListError

if TYPE_CHECKING:
    from lxml.etree import _Element

    from kvmrt_plan.values.cpuset import CpuSet

AUTO = "auto"


def memory_mode(domain: _Element) -> str:
    """`strict` (libvirt's default too), `preferred`, `interleave`, `restrictive`."""
    memory = tree.first(domain, "numatune", "memory")
    return "strict" if memory is None else memory.get("mode", "strict")


def cell_bindings(domain: _Element) -> dict[str, CpuSet]:
    """The host nodes of each guest cell that has a `<memnode>`, by its id; unreadable lists are empty."""
    return {
        memnode.get("cellid", "?"): _nodes(memnode.get("nodeset", ""))
        for memnode in tree.each(domain, "numatune", "memnode")
    }


def _nodes(text: str) -> CpuSet:
    try:
        return parse_cpuset(text)
    except CpuListError:
        return EMPTY


def _cell_keys(domain: _Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for memnode in tree.each(domain, "numatune", "memnode"):
        cell, nodeset = parse_number(memnode.get("cellid")), memnode.get("nodeset")
        if cell is not None and nodeset is not None:
            found.setdefault(f"memnode {cell}", canonical_cpuset(nodeset))
    return found


def _write_cell(domain: _Element, key: str, value: str | None) -> None:
    cell = key_number(key)
    present = [
        memnode
        for memnode in tree.each(domain, "numatune", "memnode")
        if parse_number(memnode.get("cellid")) == cell
    ]
    if value is None:
        for memnode in present:
            tree.remove(memnode)
        return
    nodeset = checked_cpuset(key, value)
    bound = next((one for one in present if one.get("nodeset") is not None), None)
    if bound is not None:
        if canonical_cpuset(bound.get("nodeset", "")) != nodeset:
            bound.set("nodeset", nodeset)
    elif present:
        present[0].set("nodeset", nodeset)
    else:
        numatune = tree.reach(domain, "numatune")
        attributes = {"cellid": str(cell), "mode": "strict", "nodeset": nodeset}
        tree.insert(numatune, "memnode", attributes)


class Numa:
    """Keys `numatune` (a list of nodes, or `auto` when numad chooses) and `memnode N`: the nodes of the
    guest's cell N.
    """

    families = ("numatune", "memnode")

    def read(self, domain: _Element) -> dict[str, str]:
        """An element that binds to nothing has no key; of two for the same cell the first counts."""
        found = _cell_keys(domain)
        memory = tree.first(domain, "numatune", "memory")
        if memory is None:
            return found
        nodeset = memory.get("nodeset")
        if memory.get("placement") == AUTO:
            found["numatune"] = AUTO
        elif nodeset is not None:
            found["numatune"] = canonical_cpuset(nodeset)
        return found

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Bind to nodes; a mode that is set stays (`interleave`), a new element is `strict`.

        Raises:
            ValueError: a foreign key, no list, or an empty one.
        """
        if key.startswith("memnode "):
            _write_cell(domain, key, value)
            return
        if key != "numatune":
            raise ValueError(f"{key!r} is not of this setting")
        if value is None:
            for memory in list(tree.each(domain, "numatune", "memory")):
                tree.remove(memory)
            return
        nodeset = value if value == AUTO else checked_cpuset(key, value)
        memory = tree.reach(domain, "numatune", "memory")
        if not memory.attrib:
            memory.set("mode", "strict")
        if nodeset == AUTO:
            tree.drop(memory, "nodeset")
            memory.set("placement", AUTO)
            return
        if memory.get("placement") == AUTO:
            del memory.attrib["placement"]
        memory.set("nodeset", nodeset)

# SPDX-License-Identifier: Apache-2.0
"""`<cpu><topology>`: sockets, cores and threads of the guest.

Without the element every vCPU is a socket of its own (libvirt's default, handed to QEMU). Levels between
(dies, clusters, modules, books, drawers) multiply into the number of vCPUs, and libvirt refuses a product
that differs from it; a configuration of three numbers means one of each. They stay while the three numbers
stay, and go when these are written, except where they are 1 already: libvirt's normal form spells out
`dies='1'`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.setting import canonical_number, parse_number, refuse

if TYPE_CHECKING:
    from lxml.etree import _Element

_LEVELS = ("sockets", "cores", "threads")


class Topology:
    """Key `topology`; values `sockets,cores,threads`."""

    families = ("topology",)

    def read(self, domain: _Element) -> dict[str, str]:
        """The three numbers; nothing where there is no element."""
        topology = tree.first(domain, "cpu", "topology")
        if topology is None:
            return {}
        levels = (canonical_number(topology.get(level, "")) for level in _LEVELS)
        return {"topology": ",".join(levels)}

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Set the three numbers (`<cpu>` without a mode is made where there is none); None removes
        the element, which makes every vCPU a socket.

        Raises:
            ValueError: a foreign key, or not three positive numbers.
        """
        if key != "topology":
            raise ValueError(f"{key!r} is not of this setting")
        if value is None:
            for topology in list(tree.each(domain, "cpu", "topology")):
                tree.remove(topology)
            return
        numbers = [parse_number(part) for part in value.split(",")]
        if len(numbers) != len(_LEVELS) or not all(numbers):
            raise refuse(key, value, "sockets,cores,threads")
        if self.read(domain).get(key) == value:
            return
        topology = tree.reach(domain, "cpu", "topology")
        for name in topology.attrib:
            if name not in _LEVELS and topology.get(name) != "1":
                del topology.attrib[name]
        for level, number in zip(_LEVELS, numbers, strict=True):
            topology.set(level, str(number))

# SPDX-License-Identifier: Apache-2.0
"""`<cpu><topology>`: sockets, cores and threads of the guest.

Without the element every vCPU is a socket of its own (libvirt's default, handed to QEMU). libvirt knows
further levels, and refuses a product over all of them that differs from the number of vCPUs. Of the three
numbers they are part of one: two dies of two cores are four cores in a socket, two books of one socket two
sockets. They stay while the three numbers stay, and go when these are written, except where they are 1
already: libvirt's normal form spells out `dies='1'`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.setting import parse_number, refuse

if TYPE_CHECKING:
    from lxml.etree import _Element

_LEVELS = ("sockets", "cores", "threads")
#: Above a socket, and between it and a core (formatdomain, "CPU model and topology").
_WITHIN = {"sockets": ("drawers", "books"), "cores": ("dies", "clusters", "modules"), "threads": ()}


class Topology:
    """Key `topology`; values `sockets,cores,threads`."""

    families = ("topology",)

    def read(self, domain: _Element) -> dict[str, str]:
        """The three numbers, further levels multiplied in; nothing where there is no element."""
        topology = tree.first(domain, "cpu", "topology")
        if topology is None:
            return {}
        return {"topology": ",".join(_number(topology, level) for level in _LEVELS)}

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


def _number(topology: _Element, level: str) -> str:
    """The level with what belongs to it; raw text when it is no number."""
    text = topology.get(level, "")
    number = parse_number(text)
    if number is None:
        return text
    for further in _WITHIN[level]:
        number *= parse_number(topology.get(further)) or 1
    return str(number)

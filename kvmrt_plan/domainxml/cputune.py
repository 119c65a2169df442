# SPDX-License-Identifier: Apache-2.0
"""Pins in `<cputune>`: which host CPUs each vCPU, the emulator and each iothread may use.

libvirt refuses two pins of one vCPU and drops pins of vCPUs beyond the maximum without a word
(virDomainVcpuPinDefParseXML); a pin of an iothread that does not exist is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.cpulist import canonical_cpuset, checked_cpuset
from kvmrt_plan.domainxml.setting import key_number, parse_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

_NUMBERED = {"vcpupin": "vcpu", "iothreadpin": "iothread"}


class Cputune:
    """Keys `vcpupin N`, `emulatorpin`, `iothreadpin N`; values are cpulists."""

    families = ("vcpupin", "emulatorpin", "iothreadpin")

    def read(self, domain: _Element) -> dict[str, str]:
        """Every pin that names its thread."""
        return {key: canonical_cpuset(pin.get("cpuset", "")) for key, pin in _pins(domain)}

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Pin a thread, or with None let it float.

        Raises:
            ValueError: a foreign key, no cpulist, or an empty one.
        """
        family = key.partition(" ")[0]
        if family not in self.families or (family == "emulatorpin" and key != family):
            raise ValueError(f"{key!r} is not of this setting")
        identity = {_NUMBERED[family]: str(key_number(key))} if family in _NUMBERED else {}
        pins = [pin for found, pin in _pins(domain) if found == key]
        if value is None:
            for pin in pins:
                tree.remove(pin)
            return
        cpuset = checked_cpuset(key, value)
        if not pins:
            tree.insert(tree.reach(domain, "cputune"), family, {**identity, "cpuset": cpuset})
            return
        pins[0].set("cpuset", cpuset)
        for repeated in pins[1:]:
            tree.remove(repeated)


def _pins(domain: _Element) -> Iterator[tuple[str, _Element]]:
    """Each pin with its key; those without a number that can be understood are left out."""
    for cputune in domain.iterchildren("cputune"):
        for pin in cputune.iterchildren("vcpupin", "emulatorpin", "iothreadpin"):
            tag = str(pin.tag)
            if tag == "emulatorpin":
                yield tag, pin
                continue
            number = parse_number(pin.get(_NUMBERED[tag]))
            if number is not None:
                yield f"{tag} {number}", pin

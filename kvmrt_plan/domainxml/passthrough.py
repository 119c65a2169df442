# SPDX-License-Identifier: Apache-2.0
"""PCI devices that a domain passes through to its guest (libvirt, formatdomain.html, "Host devices").

Sample:

    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source><address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/></source>
    </hostdev>

and the same source in an `<interface type='hostdev'>`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_PARTS = ("domain", "bus", "slot", "function")


def passed_devices(root: _Element) -> frozenset[str]:
    """Their addresses on the host, such as `0000:3b:00.0`; one that cannot be read is left out."""
    found = set()
    for element in (
        *root.iterfind("devices/hostdev[@type='pci']/source/address"),
        *root.iterfind("devices/interface[@type='hostdev']/source/address"),
    ):
        try:
            domain, bus, slot, function = (int(element.get(part) or "", 0) for part in _PARTS)
        except ValueError:
            continue
        found.add(f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}")
    return frozenset(found)

# SPDX-License-Identifier: Apache-2.0
"""PCI devices, as far as they tell whose an interrupt is.

Source: Documentation/ABI/testing/sysfs-bus-pci: a device lists its MSI and MSI-X interrupts in
msi_irqs/. Legacy pins are shared between devices and are not attributed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmrt_plan.facts.snapshot import Snapshot

PCI_FOLDER = "/sys/bus/pci/devices"


@dataclass(frozen=True, slots=True, kw_only=True)
class PciDevice:
    """One PCI function."""

    #: `0000:3b:00.0`.
    address: str
    #: Name of the bound driver, None when none is.
    driver: str | None
    #: Its network interfaces, those behind its virtio function included.
    interfaces: tuple[str, ...]


def parse_pci_interrupts(snapshot: Snapshot) -> dict[int, PciDevice]:
    """The device of each MSI and MSI-X interrupt, by the interrupt's number."""
    found = {}
    for address in snapshot.entries(PCI_FOLDER):
        folder = f"{PCI_FOLDER}/{address}"
        numbers = [number for number, _ in snapshot.numbered(f"{folder}/msi_irqs", "")]
        if numbers:
            device = _parse_device(snapshot, folder, address)
            found.update(dict.fromkeys(numbers, device))
    return found


def _parse_device(snapshot: Snapshot, folder: str, address: str) -> PciDevice:
    driver = snapshot.links.get(f"{folder}/driver", "").rpartition("/")[2]
    parents = [folder, *(path for _, path in snapshot.numbered(folder, "virtio"))]
    names = [name for parent in parents for name in snapshot.entries(f"{parent}/net")]
    return PciDevice(address=address, driver=driver or None, interfaces=tuple(sorted(names)))

# SPDX-License-Identifier: Apache-2.0
"""PCI devices, as far as they tell whose an interrupt is.

Source: Documentation/ABI/testing/sysfs-bus-pci: a device lists its MSI and MSI-X interrupts in
msi_irqs/. Legacy pins are shared between devices and are not attributed.
"""

from __future__ import annotations

from kvmrt_plan.values.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmrt_plan.facts.texts import Texts

PCI_FOLDER = "/sys/bus/pci/devices"


class PciDevice(Record):
    """One PCI function."""

    #: `0000:3b:00.0`.
    address: str
    #: Name of the bound driver, None when none is.
    driver: str | None
    #: Its network interfaces, those behind its virtio function included.
    interfaces: tuple[str, ...]


def parse_pci_interrupts(texts: Texts) -> dict[int, PciDevice]:
    """The device of each MSI and MSI-X interrupt, by the interrupt's number."""
    found = {}
    for address in texts.entries(PCI_FOLDER):
        folder = f"{PCI_FOLDER}/{address}"
        numbers = [number for number, _ in texts.numbered(f"{folder}/msi_irqs", "")]
        if numbers:
            device = _parse_device(texts, folder, address)
            found.update(dict.fromkeys(numbers, device))
    return found


def _parse_device(texts: Texts, folder: str, address: str) -> PciDevice:
    driver = texts.links.get(f"{folder}/driver", "").rpartition("/")[2]
    parents = [folder, *(path for _, path in texts.numbered(folder, "virtio"))]
    names = [name for parent in parents for name in texts.entries(f"{parent}/net")]
    return PciDevice(address=address, driver=driver or None, interfaces=tuple(sorted(names)))

# SPDX-License-Identifier: Apache-2.0
"""Two guests of a few bytes: boot sectors, so that what they do is known to the instruction.

The RT guest sleeps until the next interrupt and does so again; the BIOS has left it a timer of 18.2 Hz. The
other one computes without end and has no CPU of its own: libvirt lets its threads run on all CPUs of the
host, whatever libvirtd itself may use.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import libvirt
from lab.inside.story import NAME, UUID

if TYPE_CHECKING:
    from collections.abc import Iterator

#: 16-bit code of each guest's boot sector: `sti; hlt; jmp` back to it, and a jump to itself.
_SLEEPS = bytes([0xFB, 0xF4, 0xEB, 0xFD])
_COMPUTES = bytes([0xEB, 0xFE])
_SECTOR, _SIGNATURE = 510, b"\x55\xaa"
_DISK_BYTES = 1 << 20
NEIGHBOUR = "neighbour"
NEIGHBOUR_UUID = "5b1f0c1e-52c5-4f2a-9a5e-6b5c1d0a7e02"


def define_guests() -> None:
    """Both are known to libvirt, and off."""
    with connected() as connection:
        for name, uuid, vcpus, code in (
            (NAME, UUID, 2, _SLEEPS), (NEIGHBOUR, NEIGHBOUR_UUID, 1, _COMPUTES),
        ):  # fmt: skip
            disk = Path("/var/lib/libvirt/images", f"{name}.raw")
            disk.parent.mkdir(parents=True, exist_ok=True)
            disk.write_bytes(code.ljust(_SECTOR, b"\0") + _SIGNATURE + bytes(_DISK_BYTES - 512))
            connection.defineXML(_definition(name, uuid, vcpus, disk))


def resume_neighbour() -> None:
    """The guest that computes goes on, or starts."""
    with connected() as connection:
        domain = connection.lookupByName(NEIGHBOUR)
        if domain.isActive():
            domain.resume()
        else:
            domain.create()


def pause_neighbour() -> None:
    """It stands still while something else is prepared."""
    with connected() as connection:
        connection.lookupByName(NEIGHBOUR).suspend()


def stop_rt_guest() -> None:
    """It is off."""
    with connected() as connection:
        connection.lookupByName(NAME).destroy()


def process_of_rt_guest() -> int:
    """QEMU's process."""
    return int(Path(f"/run/libvirt/qemu/{NAME}.pid").read_text())


@contextmanager
def connected() -> Iterator[libvirt.virConnect]:
    """The lab's libvirt."""
    connection = libvirt.open("qemu:///system")
    try:
        yield connection
    finally:
        connection.close()


def _definition(name: str, uuid: str, vcpus: int, disk: Path) -> str:
    # tb-cache: locked memory holds the emulator's code cache too, which would be 1 GiB by default.
    return f"""\
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>64</memory>
  <vcpu placement='static'>{vcpus}</vcpu>
  <features><acpi/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='{disk}'/><target dev='hda' bus='ide'/>
    </disk>
    <memballoon model='none'/>
  </devices>
</domain>
"""

# SPDX-License-Identifier: Apache-2.0
"""The smallest guest that shuts down when it is told to: one sector that the firmware starts.

It knows QEMU's machine `pc` alone: PIIX4's power management, whose registers SeaBIOS puts at I/O port 0x600
(ACPI 6.5, 4.8.3: PM1 status, enable and control). It switches the power button on, sleeps from one tick
of the timer to the next until the button was pressed, and switches off. All vCPUs but the first stay as
the firmware has left them: halted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = bytes.fromhex(
    "fb"        # start: sti              the firmware's timer wakes hlt 18 times a second
    "ba0206"    #        mov dx, 0x602    PM1 enable
    "b80001"    #        mov ax, 0x100    the power button
    "ef"        #        out dx, ax
    "ba0006"    #        mov dx, 0x600    PM1 status
    "f4"        # wait:  hlt
    "ed"        #        in ax, dx
    "f6c401"    #        test ah, 1
    "74f9"      #        jz wait
    "ba0406"    #        mov dx, 0x604    PM1 control
    "b80020"    #        mov ax, 0x2000   sleep enable; sleep type 0 is "off"
    "ef"        #        out dx, ax
    "f4ebfd"    # off:   hlt, jmp off
)  # fmt: skip
_SECTOR, _SIZE = 512, 1 << 20


def write_disk(path: Path) -> None:
    """A disk that the firmware boots."""
    sector = _PROGRAM.ljust(_SECTOR - 2, b"\0") + b"\x55\xaa"
    path.write_bytes(sector.ljust(_SIZE, b"\0"))

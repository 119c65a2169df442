# SPDX-License-Identifier: Apache-2.0
r"""The inside of a guest: the few files, units and modules that real time needs there.

Parsed from the text that `hosts/guest_agent.py` has a shell in the guest print, one thing a line:

>>> facts = parse_guest('''os debian
... kernel 6.1.0-rt
... initramfs without
... blocked no
... ptp 0 KVM virtual PTP
... unit chrony enabled running
... file /etc/chrony/chrony.conf 0644 0:0 cG9vbCB4Cg==
... ''')
>>> facts.files
{'/etc/chrony/chrony.conf': '0644 0:0\npool x\n'}
>>> facts.module
'not blocked'
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kvmrt_plan.errors import FactError

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK_PATH = "/etc/modprobe.d/kvmrt-balloon.conf"
LOAD_PATH = "/etc/modules-load.d/ptp_kvm.conf"
NETWORK_PATH = "/etc/sysconfig/network"
#: The unit's name in each family of distributions, its configuration and its drift file.
CHRONY = {
    "chrony": ("/etc/chrony/chrony.conf", "/var/lib/chrony/chrony.drift"),
    "chronyd": ("/etc/chrony.conf", "/var/lib/chrony/drift"),
}
#: The files that are read and written in a guest, and no others.
PATHS = (LOAD_PATH, NETWORK_PATH, *(path for pair in CHRONY.values() for path in pair))

NOT_BLOCKED, BLOCKED = "not blocked", "blocked"
NOT_REBUILT = "blocked, initramfs not rebuilt"
ENABLED, DISABLED, RUNNING, STOPPED = "enabled", "disabled", "running", "stopped"
#: What ptp_kvm calls its clock (drivers/ptp/ptp_kvm_common.c).
KVM_CLOCK = "KVM virtual PTP"

_FILE = re.compile(r"file (/\S+) ([0-7]{3,4}) ([0-9]{1,10}:[0-9]{1,10}) ?(\S*)")
_UNIT = re.compile(r"unit (chronyd?) (enabled|disabled) (running|stopped)")
_PTP = re.compile(r"ptp ([0-9]{1,4}) ?(.*)")
_INITRAMFS = frozenset({"with", "without", "none"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestFacts:
    """What a guest shows of itself."""

    #: ID and ID_LIKE of os-release(5).
    systems: tuple[str, ...] = ()
    kernel: str = ""
    #: Whether modprobe's configuration keeps virtio_balloon from loading.
    is_blocked: bool = False
    #: Whether the initramfs holds kvmrt's file: `with`, `without`; `none`: no tool that makes one.
    initramfs: str = "none"
    #: Names of the PTP clocks by number.
    clocks: Mapping[int, str] = field(default_factory=dict)
    #: By unit: enabled or disabled, running or stopped.
    units: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: Files as `values/filevalue.py` writes them, by path.
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """Whether virtio_balloon is kept from loading, from the initramfs on."""
        if not self.is_blocked:
            return NOT_BLOCKED
        return NOT_REBUILT if self.initramfs == "without" else BLOCKED

    @property
    def chrony(self) -> str | None:
        """The unit of chrony; None: it is not installed."""
        return next((name for name in CHRONY if name in self.units), None)

    @property
    def is_red_hat(self) -> bool:
        """Whether initscripts read /etc/sysconfig/network there."""
        return not {"rhel", "fedora", "centos"}.isdisjoint(self.systems)


def parse_guest(text: str) -> GuestFacts:
    """The facts in the text.

    Raises:
        FactError: it has lines that no gathering prints.
    """
    words: dict[str, str] = {}
    systems: list[str] = []
    clocks: dict[int, str] = {}
    units: dict[str, tuple[str, str]] = {}
    files: dict[str, str] = {}
    for line in text.splitlines():
        key, _, rest = line.partition(" ")
        if key == "os":
            systems += rest.split()
        elif key in ("kernel", "initramfs", "blocked"):
            words[key] = rest.strip()
        elif unit := _UNIT.fullmatch(line):
            units[unit[1]] = (unit[2], unit[3])
        elif clock := _PTP.fullmatch(line):
            clocks[int(clock[1])] = clock[2].strip()
        elif (file := _FILE.fullmatch(line)) and file[1] in PATHS:
            files[file[1]] = f"{file[2]:0>4} {file[3]}\n{_content(line, file[4])}"
        elif line.strip():
            raise FactError("the guest agent's answer", f"has the line {line!r:.80}")
    initramfs = words.get("initramfs", "none")
    if initramfs not in _INITRAMFS:
        raise FactError("the guest agent's answer", f"says {initramfs!r:.40} of the initramfs")
    return GuestFacts(
        systems=tuple(systems),
        kernel=words.get("kernel", ""),
        is_blocked=words.get("blocked") == "yes",
        initramfs=initramfs,
        clocks=clocks,
        units=units,
        files=files,
    )


def format_guest(facts: GuestFacts) -> str:
    """The text that `parse_guest` reads again; a simulated guest is changed through it."""
    lines = [
        f"os {' '.join(facts.systems)}",
        f"kernel {facts.kernel}",
        f"initramfs {facts.initramfs}",
        f"blocked {'yes' if facts.is_blocked else 'no'}",
        *(f"ptp {number} {name}" for number, name in sorted(facts.clocks.items())),
        *(f"unit {name} {' '.join(state)}" for name, state in sorted(facts.units.items())),
    ]
    for path, value in sorted(facts.files.items()):
        head, _, content = value.partition("\n")
        coded = b64encode(content.encode("utf-8", "surrogateescape")).decode("ascii")
        lines.append(f"file {path} {head} {coded}".rstrip())
    return "\n".join(lines) + "\n"


def _content(line: str, coded: str) -> str:
    try:
        return b64decode(coded, validate=True).decode("utf-8", "surrogateescape")
    except (Error, ValueError) as error:
        raise FactError("the guest agent's answer", f"has the line {line!r:.80}") from error

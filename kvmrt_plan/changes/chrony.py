# SPDX-License-Identifier: Apache-2.0
r"""Files in a guest whose clock follows the host's: chrony with the reference clock of ptp_kvm.

Lines of others are commented out and not removed, so that a user finds them again.

>>> print(with_reference_clock("pool a.example iburst\nmakestep 1 3\n", "/dev/ptp0"), end="")
# pool a.example iburst
makestep 1 3
refclock PHC /dev/ptp0 poll 3 dpoll -2 offset 0
>>> print(without_peers("PEERNTP=yes\n"), end="")
# PEERNTP=yes
PEERNTP=no
"""

from __future__ import annotations

import re

_SOURCE = re.compile(r"\s*(?:refclock|server|pool|peer)\b", re.IGNORECASE)
_PEERS = re.compile(r"\s*PEERNTP\s*=")
_OFF = "PEERNTP=no"
#: What modules-load.d(5) reads.
MODULE = "ptp_kvm\n"


def with_reference_clock(text: str, device: str) -> str:
    """chrony.conf with this clock as its only source of time."""
    return _only(text, _SOURCE, f"refclock PHC {device} poll 3 dpoll -2 offset 0")


def without_peers(text: str) -> str:
    """/etc/sysconfig/network by which a DHCP client names no time servers to chrony."""
    return _only(text, _PEERS, _OFF)


def _only(text: str, pattern: re.Pattern[str], wanted: str) -> str:
    """The text with the wanted line, once, and no other that the pattern finds."""
    lines = text.splitlines()
    has_it = False
    for number, line in enumerate(lines):
        if line.strip() == wanted and not has_it:
            has_it = True
        elif pattern.match(line):
            lines[number] = f"# {line}"
    if not has_it:
        lines.append(wanted)
    return "\n".join(lines) + "\n"

# SPDX-License-Identifier: Apache-2.0
"""CPU and node lists in libvirt's notation, which differs from the kernel's.

libvirt (src/util/virbitmap.c, virBitmapParseInternal; formatdomain, "cpuset") reads from left to right:
`1-4,^3` sets 1 to 4 and clears 3, while in `^3,1-4` the exclusion comes too early and has no effect.
Blanks may stand around numbers, a comma may end the list, strides do not exist. Measured with
libvirt 9.0, as is what `tests/contract/test_libvirt_domainxml.py` compares.
"""

from __future__ import annotations

import re

from kvmrt_plan.values.cpuset import EMPTY, CpuListError, CpuSet

_PART = re.compile(r"(\^?)([0-9]+)[ \t\r\n]*(?:-[ \t\r\n]*([0-9]+))?")


def parse_cpuset(text: str) -> CpuSet:
    """The set that libvirt understands.

    >>> str(parse_cpuset("1-4,^3"))
    '1-2,4'

    Raises:
        CpuListError: libvirt would refuse the text, or the set is empty.
    """
    parts = text.split(",")
    if not parts[-1].strip() and len(parts) > 1:
        parts.pop()
    found = EMPTY
    for part in parts:
        found = _apply(found, part.strip())
    if not found:
        raise CpuListError(text[:80], "names no CPU")
    return found


def canonical_cpuset(text: str) -> str:
    """The set as a canonical cpulist, or the text itself when libvirt would refuse it."""
    try:
        return str(parse_cpuset(text))
    except CpuListError:
        return text


def checked_cpuset(key: str, value: str) -> str:
    """A value to be written, canonical.

    Raises:
        ValueError: no cpulist, or an empty one (libvirt refuses empty sets).
    """
    cpus = CpuSet.parse(value)
    if not cpus:
        raise ValueError(f"{key}: libvirt takes no empty set; remove the setting instead")
    return str(cpus)


def _apply(found: CpuSet, part: str) -> CpuSet:
    matched = _PART.fullmatch(part)
    if matched is None or (matched[1] and matched[3]):
        raise CpuListError(part[:80], "is neither a number, a range such as 4-7, nor ^3")
    named = CpuSet.parse(matched[2] if matched[3] is None else f"{matched[2]}-{matched[3]}")
    return found - named if matched[1] else found | named

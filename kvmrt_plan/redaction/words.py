# SPDX-License-Identifier: Apache-2.0
"""What stands in the place of a redacted value, and what such values look like in a text.

A replacement comes from the place of a value (which domain, which element), not from the value: nothing
can be guessed back from it, and two snapshots of one host get the same ones. Three exceptions: UUIDs of the
kernel and of file systems are random numbers, of which a hash tells nothing; of the names of units and of
network interfaces that carry a MAC, 16 bits of a hash are kept, so that one more does not rename the others.
"""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

#: What takes the place of a text that no plan reads.
REDACTED = "redacted"
#: What takes the place of the host's name.
HOST = "host"

_SPACE = UUID("b07d1ff2-4f83-5d0e-9a41-6f3b0a86a2f7")
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\b")
_MAC = re.compile(r"\b[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}\b")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
# At least two groups and a colon that no PCI address (0000:3b:00.0) or time has.
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{0,4}(?![\w:.])"
    r"|(?<![\w:.])(?:[0-9a-fA-F]{1,4}:)*:(?:[0-9a-fA-F]{1,4}:)*[0-9a-fA-F]{1,4}(?![\w:.])"
)
_HOME = re.compile(r"(/home/|/Users/|/var/home/)[^/\s\"':]+")
_INTERFACE = re.compile(r"\benx[0-9a-f]{12}\b")
_HASHED_INTERFACE = "enx02000000"


class Tally:
    """How many values of each kind were replaced."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, kind: str, number: int = 1) -> None:
        """Count so many more."""
        self._counts[kind] += number

    def counts(self) -> dict[str, int]:
        """By kind, in the order of the names; only what occurred."""
        return {kind: number for kind, number in sorted(self._counts.items()) if number}


def hashed_uuid(text: str) -> str:
    """A UUID in the place of a random one, with dashes where that has some.

    >>> hashed_uuid("8f6c1d0e-5b7a-4c1e-9d53-0a4b7e2f6c11")
    'd94f1db0-6c8f-594d-aaa5-f69ac3646988'
    """
    found = uuid5(_SPACE, text.replace("-", "").lower())
    return str(found) if "-" in text else found.hex


def placed_mac(domain: str, number: int) -> str:
    """A locally administered address for the Nth interface of a domain."""
    digest = sha256(f"{domain} {number}".encode()).hexdigest()
    return ":".join(["02", *(digest[index : index + 2] for index in range(0, 10, 2))])


def short_names(names: Iterable[str], form: str) -> dict[str, str]:
    """A name of the form (`redacted-{}.slice`) for each of the names, no two alike."""
    found: dict[str, str] = {}
    for name in sorted(set(names)):
        digits = sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
        starts = range(len(digits) - 4)
        candidates = (form.format(digits[start : start + 4]) for start in starts)
        found[name] = next(one for one in candidates if one not in found.values())
    return found


def interface_names(texts: Iterable[str]) -> dict[str, str]:
    """Names for the interfaces that are called after their MAC, of all that occur in the texts."""
    found = {
        name
        for text in texts
        if "enx" in text
        for name in _INTERFACE.findall(text)
        if not name.startswith(_HASHED_INTERFACE)
    }
    return short_names(found, _HASHED_INTERFACE + "{}")


def scrub(text: str, tally: Tally, *, kept: Collection[str] = ()) -> str:
    """The text without UUIDs (but those that are kept), MACs and names of home folders."""
    text = _each(_HOME, text, tally, "user-names", lambda found: f"{found[1]}{REDACTED}")
    text = _each(_MAC, text, tally, "mac-addresses", lambda _: "02:00:00:00:00:00")

    def uuid(found: re.Match[str]) -> str:
        return found[0] if found[0].lower() in kept else hashed_uuid(found[0])

    return _each(_UUID, text, tally, "uuids", uuid)


def scrub_written(text: str, tally: Tally, host: str) -> str:
    """A text that people wrote, without what `scrub` takes, without addresses and the host's name."""
    text = _each(_IPV4, scrub(text, tally), tally, "addresses", lambda _: "192.0.2.1")
    text = _each(_IPV6, text, tally, "addresses", lambda _: "2001:db8::1")
    if not host or host == HOST:
        return text
    name = re.compile(rf"(?<![\w-]){re.escape(host)}(?![\w-])")
    return _each(name, text, tally, "host-names", lambda _: HOST)


def _each(
    pattern: re.Pattern[str],
    text: str,
    tally: Tally,
    kind: str,
    replacement: Callable[[re.Match[str]], str],
) -> str:
    changed = 0

    def replace(found: re.Match[str]) -> str:
        nonlocal changed
        new = replacement(found)
        changed += new != found[0]
        return new

    text = pattern.sub(replace, text)
    tally.add(kind, changed)
    return text

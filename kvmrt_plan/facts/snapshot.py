# SPDX-License-Identifier: Apache-2.0
"""A snapshot: the raw texts of a host, as one value.

Facts are parsed from a snapshot and from nothing else; the live host captures one in memory, the
simulated host is one. `hosts/` reads and writes the files, `facts/document.py` knows their JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDomain:
    """One libvirt domain, as the API tells it (virDomainGetXMLDesc and neighbours)."""

    uuid: str
    name: str
    #: `running`, `paused`, `shut off`, ... as `virsh domstate` prints it.
    state: str
    persistent: bool
    autostart: bool
    #: XML with VIR_DOMAIN_XML_INACTIVE; "" for a transient domain.
    xml: str
    #: XML of the running guest; "" when it does not run.
    live_xml: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLibvirt:
    """What libvirt said. `problem` is "" when it answered."""

    uri: str
    problem: str = ""
    #: As virConnectGetLibVersion encodes it: 9000000 is 9.0.0.
    version: int = 0
    domains: tuple[RawDomain, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Raw texts by absolute path. Texts hold what the kernel gave, decoded as UTF-8 with
    surrogateescape, NUL bytes and trailing newlines included.
    """

    name: str
    captured: str
    files: Mapping[str, str]
    #: Symbolic links by path, with their target as stored; "" for a folder of which only the
    #: existence counts (`/proc/irq/45/eth0-rx-1`).
    links: Mapping[str, str] = field(default_factory=dict)
    #: Paths that exist but could not be read, with the errno's name (`EACCES`).
    unreadable: Mapping[str, str] = field(default_factory=dict)
    #: Only on a simulated host: texts that come back when their CPU is online again.
    dormant: Mapping[str, str] = field(default_factory=dict)
    #: None: libvirt was not asked.
    libvirt: RawLibvirt | None = None
    #: Folders' entries, built on first use: parent path to the sorted names in it.
    _entries: dict[str, tuple[str, ...]] = field(
        default_factory=dict, compare=False, repr=False, init=False
    )

    def read(self, path: str) -> str | None:
        """The text at the path, None when it was not there (or not readable)."""
        return self.files.get(path)

    def entries(self, folder: str) -> tuple[str, ...]:
        """Sorted names of what lies directly in the folder; empty when there is none."""
        if not self._entries:
            self._entries.update(self._index())
        return self._entries.get(folder.rstrip("/"), ())

    def numbered(self, folder: str, prefix: str) -> Iterator[tuple[int, str]]:
        """Entries of the folder named prefix and number (`cpu12`), ascending, with their paths."""
        found = []
        for name in self.entries(folder):
            digits = name[len(prefix) :]
            if name.startswith(prefix) and _is_number(digits):
                found.append((int(digits), f"{folder.rstrip('/')}/{name}"))
        return iter(sorted(found))

    def _index(self) -> dict[str, tuple[str, ...]]:
        children: dict[str, set[str]] = {"": set()}
        for whole in (*self.files, *self.links, *self.unreadable):
            path = whole
            while path:
                parent, _, name = path.rpartition("/")
                if parent in children:
                    # Whoever made the folder has linked it to its ancestors.
                    children[parent].add(name)
                    break
                children[parent] = {name}
                path = parent
        return {folder: tuple(sorted(names)) for folder, names in children.items()}


def _is_number(digits: str) -> bool:
    # As the kernel names its folders: no sign, no leading zero, at most 64 bits.
    is_plain = digits.isascii() and digits.isdigit() and len(digits) <= 20
    return is_plain and (digits[0] != "0" or digits == "0")

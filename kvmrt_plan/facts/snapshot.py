# SPDX-License-Identifier: Apache-2.0
"""A snapshot: the raw texts of a host, as one value.

Facts are parsed from a snapshot and from nothing else; the live host captures one in memory, the
simulated host is one. `hosts/` reads and writes the files, `facts/document.py` knows their JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kvmrt_plan.facts.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    #: Only on a simulated host: what its guest agent tells, see `facts/guest.py`; "": it has none.
    guest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLibvirt:
    """What libvirt said. `problem` is "" when it answered."""

    uri: str
    problem: str = ""
    #: As virConnectGetLibVersion encodes it: 9000000 is 9.0.0.
    version: int = 0
    domains: tuple[RawDomain, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Texts):
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
    #: How many values of each kind were replaced (`mac-addresses`); empty: it is as captured.
    redacted: Mapping[str, int] = field(default_factory=dict)
    #: Folders' entries, built on first use: parent path to the sorted names in it.
    _entries: dict[str, tuple[str, ...]] = field(
        default_factory=dict, compare=False, repr=False, init=False
    )

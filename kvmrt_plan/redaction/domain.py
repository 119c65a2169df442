# SPDX-License-Identifier: Apache-2.0
"""A domain's XML without serials, addresses, passwords, paths and texts of others.

What plans read (CPU, memory, NUMA, features) is kept as it is. Everywhere else only words that say of which
kind a device is are kept: what is not known here is redacted, so that an element of a later libvirt does not
leak. Elements keep their place, and with them the outline that a comparison reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.domainxml.document import format_domain, parse_domain
from kvmrt_plan.redaction.words import REDACTED, hashed_uuid, placed_mac

if TYPE_CHECKING:
    from lxml.etree import _Element

    from kvmrt_plan.redaction.words import Tally

#: Children of <domain> that a plan reads or that say nothing private. The name, the UUID, the title and the
#: description stand in the configuration beside the snapshot.
_KEPT = frozenset(
    {
        "name", "uuid", "title", "description", "memory", "currentMemory", "maxMemory", "memtune",
        "memoryBacking", "resource", "blkiotune", "vcpu", "vcpus", "iothreads", "iothreadids",
        "defaultiothread", "cputune", "numatune", "features", "cpu", "clock", "on_poweroff",
        "on_reboot", "on_crash", "on_lockfailure", "pm", "perf",
    }
)  # fmt: skip
#: Attributes that are names of kinds, of buses and of slots, of any element.
_KIND_ATTRIBUTES = frozenset(
    {
        "type", "device", "bus", "model", "mode", "driver", "managed", "index", "port", "slot",
        "function", "domain", "controller", "unit", "target", "chassis", "queues", "iothread",
        "cache", "io", "name", "discard", "protocol", "multifunction", "primary", "heads", "ram",
        "vram", "vgamem", "autoport", "arch", "machine", "secure", "readonly", "enabled", "format",
        "startupPolicy", "backend", "rate", "bytes", "freePageReporting", "autodeflate", "node",
        "size", "access", "policy", "trustGuestRxFilters", "event_idx", "ioeventfd", "packed",
        "iommu", "ats", "tx_queue_size", "rx_queue_size", "state", "order", "period", "dev",
        "network", "bridge", "relabel", "tray", "removable", "action", "base", "connected",
        "shareable", "version", "nativeMode", "variant", "firmware",
    }
)  # fmt: skip
#: Elements of which `name` is one of a person's or a place's, and none of a kind.
_NAMED = frozenset({"source", "host", "auth", "secret", "entry", "reservations"})
#: Elements whose text says a kind.
_KIND_TEXTS = frozenset({"type", "model"})
#: A value that can be nobody's: a number, an address on a bus, a switch.
_PLAIN = re.compile(r"[0-9]{1,10}|0[xX][0-9a-fA-F]{1,8}|yes|no|on|off")
_PATHS = frozenset({"file", "path", "dir", "socket", "startupFile", "template", "append"})


def redact_domain(xml: str, uuid: str, tally: Tally) -> str:
    """The document with everything private replaced; "" stays "".

    Raises:
        DomainXmlError: it cannot be read, so that nobody knows what is in it.
    """
    if not xml:
        return xml
    root = parse_domain(xml, domain=uuid)
    work = _Work(uuid, tally)
    for around in (*root.itersiblings(preceding=True), *root.itersiblings()):
        work.redact_comment(around)
    for child in root:
        work.redact_part(child)
    written = format_domain(root)
    return written if xml.endswith("\n") else written.removesuffix("\n")


class _Work:
    """The replacements of one document, numbered as they come."""

    def __init__(self, uuid: str, tally: Tally) -> None:
        self._uuid = uuid
        self._tally = tally
        self._numbers: dict[str, int] = {}

    def redact_part(self, child: _Element) -> None:
        """A child of <domain>."""
        if not isinstance(child.tag, str):
            self.redact_comment(child)
        elif child.tag == "genid":
            self._set_text(child, "uuids", hashed_uuid((child.text or "").strip()))
        elif child.tag in _KEPT:
            for element in child.iter():
                self.redact_comment(element)
        elif child.tag in {"devices", "os", "launchSecurity", "idmap", "seclabel"}:
            self._redact_tree(child)
        else:
            self._redact_foreign(child)

    def redact_comment(self, element: _Element) -> None:
        """A comment is a text of somebody; an element is left alone."""
        if not isinstance(element.tag, str) and (element.text or "").strip(" ") != REDACTED:
            element.text = f" {REDACTED} "
            self._tally.add("comments")

    def _redact_tree(self, root: _Element) -> None:
        for element in root.iter():
            if not isinstance(element.tag, str):
                self.redact_comment(element)
                continue
            for name in element.attrib:
                self._redact_attribute(element, str(name))
            if (element.text or "").strip() and element.tag not in _KIND_TEXTS:
                self._redact_text(element)

    def _redact_attribute(self, element: _Element, name: str) -> None:
        value = str(element.attrib[name])
        if element.tag == "mac" and name == "address":
            self._set(element, name, "mac-addresses", placed_mac(self._uuid, self._next("mac")))
        elif name in {"passwd", "password"}:
            self._set(element, name, "passwords", REDACTED)
        elif name in _PATHS or value.startswith("/"):
            self._set(
                element, name, "paths", f"/{REDACTED}/{element.tag}-{self._next(element.tag)}"
            )
        elif not (self._is_kind(element, name) or _PLAIN.fullmatch(value)):
            self._set(element, name, "device-values", REDACTED)

    @staticmethod
    def _is_kind(element: _Element, name: str) -> bool:
        return name in _KIND_ATTRIBUTES and not (name == "name" and element.tag in _NAMED)

    def _redact_text(self, element: _Element) -> None:
        text = (element.text or "").strip()
        if element.tag in {"serial", "wwn", "product", "vendor"}:
            self._set_text(element, "serials", f"{REDACTED}-{self._next('serial')}")
        elif text.startswith("/"):
            self._set_text(element, "paths", f"/{REDACTED}/{element.tag}-{self._next(element.tag)}")
        elif not _PLAIN.fullmatch(text):
            self._set_text(element, "device-values", REDACTED)

    def _redact_foreign(self, root: _Element) -> None:
        """Metadata, firmware tables, QEMU's own arguments: all texts and attributes."""
        for element in root.iter():
            if not isinstance(element.tag, str):
                self.redact_comment(element)
                continue
            for name, value in element.attrib.items():
                is_kind = name in {"type", "mode"} or (element.tag == "entry" and name == "name")
                if not (is_kind or _PLAIN.fullmatch(str(value))):
                    self._set(element, str(name), "metadata", REDACTED)
            text = (element.text or "").strip()
            if text and element.get("name") == "uuid":
                self._set_text(element, "uuids", self._uuid)
            elif text and not _PLAIN.fullmatch(text):
                self._set_text(element, "metadata", REDACTED)

    def _next(self, kind: str) -> int:
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return self._numbers[kind]

    def _set(self, element: _Element, name: str, kind: str, value: str) -> None:
        if element.attrib[name] != value:
            element.attrib[name] = value
            self._tally.add(kind)

    def _set_text(self, element: _Element, kind: str, value: str) -> None:
        if (element.text or "").strip() != value:
            element.text = value
            self._tally.add(kind)

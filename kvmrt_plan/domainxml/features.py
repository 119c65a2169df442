# SPDX-License-Identifier: Apache-2.0
"""`<features>`: whether the guest can see KVM, what KVM tells it, and parts that cost it exits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.setting import refuse

if TYPE_CHECKING:
    from lxml.etree import _Element


class _Part(NamedTuple):
    path: tuple[str, ...]
    attribute: str
    words: tuple[str, ...]
    #: What counts when the attribute is missing; `state` of a plain feature is on then.
    missing: str = ""
    #: The word that means the same to libvirt as no element; it has no key.
    silent: str | None = None


_PARTS = {
    "kvm-hidden": _Part(("features", "kvm", "hidden"), "state", ("on",), silent="off"),
    "kvm-hint-dedicated": _Part(
        ("features", "kvm", "hint-dedicated"), "state", ("on",), silent="off"
    ),
    "kvm-poll-control": _Part(("features", "kvm", "poll-control"), "state", ("on",), silent="off"),
    "pmu": _Part(("features", "pmu"), "state", ("on", "off"), missing="on"),
    "vmport": _Part(("features", "vmport"), "state", ("on", "off"), missing="on"),
    "ioapic": _Part(("features", "ioapic"), "driver", ("kvm", "qemu")),
}


class Features:
    """Keys `kvm-hidden`, `kvm-hint-dedicated`, `kvm-poll-control` ("on", or absent: `state='off'` is the
    same to libvirt and has no key), `pmu`, `vmport` (on, off) and `ioapic` (kvm, qemu).
    """

    families = tuple(_PARTS)

    def read(self, domain: _Element) -> dict[str, str]:
        """A word that is none of the part's is handed out as it is."""
        found = {}
        for key, part in _PARTS.items():
            element = tree.first(domain, *part.path)
            if element is None:
                continue
            word = element.get(part.attribute, part.missing)
            if word != part.silent:
                found[key] = word
        return found

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Set the part's word, or with None remove the element; other features stay.

        Raises:
            ValueError: a foreign key, or a word that is not of it.
        """
        part = _PARTS.get(key)
        if part is None:
            raise ValueError(f"{key!r} is not of this setting")
        if value is None:
            for element in list(tree.each(domain, *part.path)):
                tree.remove(element)
            return
        if value not in part.words:
            raise refuse(key, value, f"{' or '.join(part.words)} or absent")
        tree.reach(domain, *part.path).set(part.attribute, value)

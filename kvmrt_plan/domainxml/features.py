# SPDX-License-Identifier: Apache-2.0
"""`<features><kvm><hidden>`: whether the guest can see that it runs on KVM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.setting import refuse

if TYPE_CHECKING:
    from lxml.etree import _Element

_PATH = ("features", "kvm", "hidden")


class Features:
    """Key `kvm-hidden`; "on", or absent (`state='off'` is the same to libvirt and has no key)."""

    families = ("kvm-hidden",)

    def read(self, domain: _Element) -> dict[str, str]:
        """A state other than on and off is handed out as it is."""
        hidden = tree.first(domain, *_PATH)
        state = "off" if hidden is None else hidden.get("state", "")
        return {} if state == "off" else {"kvm-hidden": state}

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Hide KVM, or with None remove the element; other features stay.

        Raises:
            ValueError: a foreign key, or a value other than "on".
        """
        if key != "kvm-hidden":
            raise ValueError(f"{key!r} is not of this setting")
        if value is None:
            for hidden in list(tree.each(domain, *_PATH)):
                tree.remove(hidden)
            return
        if value != "on":
            raise refuse(key, value, "on or absent")
        tree.reach(domain, *_PATH).set("state", value)

# SPDX-License-Identifier: Apache-2.0
"""`<devices><memballoon>`: the balloon device, which takes memory away from a running guest.

libvirt adds one of the hypervisor's default model when the element is missing; only `model='none'`
says that there shall be none. Such an element has no use for an address, statistics or `autodeflate`:
libvirt 9.0 drops them, and switching back gives a device with libvirt's defaults.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.setting import refuse

if TYPE_CHECKING:
    from lxml.etree import _Element

_NONE = "none"
_MODEL = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class Balloon:
    """Key `memballoon`; the model: `virtio`, `none`, `virtio-transitional`, ..."""

    families = ("memballoon",)

    def read(self, domain: _Element) -> dict[str, str]:
        """The first device's model; libvirt refuses a second device."""
        balloon = tree.first(domain, "devices", "memballoon")
        return {} if balloon is None else {"memballoon": balloon.get("model", "")}

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Set the model; None leaves the choice to libvirt.

        Raises:
            ValueError: a foreign key, or a text that can be no model.
        """
        if key != "memballoon":
            raise ValueError(f"{key!r} is not of this setting")
        if value is None:
            for balloon in list(tree.each(domain, "devices", "memballoon")):
                tree.remove(balloon)
            return
        if not _MODEL.fullmatch(value):
            raise refuse(key, value, "a balloon model such as virtio or none")
        balloon = tree.reach(domain, "devices", "memballoon")
        if value == _NONE and balloon.get("model") != _NONE:
            balloon.attrib.clear()
            for part in list(balloon.iterchildren("*")):
                tree.remove_line(part)
        balloon.set("model", value)

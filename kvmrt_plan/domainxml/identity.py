# SPDX-License-Identifier: Apache-2.0
"""`<name>`, `<title>` and `<description>`: texts as they are, blanks and line breaks included.

libvirt treats an empty title or description as none (virXPathString), so an empty one has no key and
writing "" removes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml.etree import Element

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.setting import refuse

if TYPE_CHECKING:
    from lxml.etree import _Element


class Identity:
    """Keys `name`, `title`, `description`."""

    families = ("name", "title", "description")

    def read(self, domain: _Element) -> dict[str, str]:
        """The texts that are there and not empty."""
        texts = {key: tree.text_of(tree.child(domain, key)) for key in self.families}
        return {key: text for key, text in texts.items() if text}

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Set or remove a text; a domain's name cannot be removed.

        Raises:
            ValueError: a foreign key, a name that is empty, or a character XML cannot carry.
        """
        if key not in self.families:
            raise ValueError(f"{key!r} is not of this setting")
        if not value:
            if key == "name":
                raise refuse(key, value, "a name")
            for element in list(tree.each(domain, key)):
                tree.remove(element)
            return
        # lxml refuses a character that XML cannot carry: before the document has been touched.
        Element(key).text = value
        tree.set_text(tree.reach(domain, key), value)

# SPDX-License-Identifier: Apache-2.0
"""What a domain's XML says, apart from how it is laid out: to tell whether somebody else has edited it.

Two outlines are equal when the documents have the same elements with the same attributes and texts.
Blanks do not count, nor does the order of elements that libvirt writes in an order of its own; that of
devices of one kind does, since a guest finds its disks by it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

#: Path, attributes, text.
Line: TypeAlias = "tuple[str, tuple[tuple[str, str], ...], str]"


def outline(root: _Element) -> list[Line]:
    """One line per element, sorted."""
    return sorted(_lines(root, str(root.tag)))


def _lines(element: _Element, path: str) -> Iterator[Line]:
    attributes = sorted((str(name), str(value)) for name, value in element.attrib.items())
    yield path, tuple(attributes), (element.text or "").strip()
    counts: Counter[str] = Counter()
    for child in element:
        # Comments and processing instructions have a function for a tag.
        if isinstance(child.tag, str):
            counts[child.tag] += 1
            number = f" {counts[child.tag]}" if path.startswith("domain/devices") else ""
            yield from _lines(child, f"{path}/{child.tag}{number}")

# SPDX-License-Identifier: Apache-2.0
"""How the guest's memory is backed: locked, in huge pages, unshared, early; and how much of it there is.

Page sizes are canonical in KiB, as libvirt's normal form has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.cpulist import canonical_cpuset, checked_cpuset
from kvmrt_plan.domainxml.setting import refuse

if TYPE_CHECKING:
    from lxml.etree import _Element

DEFAULT_PAGES = "default"

_FLAGS = {"memory-locked": "locked", "memory-unshared": "nosharepages"}
_ALLOCATIONS = ("immediate", "ondemand")

_POWERS = {letter: power for power, letter in enumerate("kmgtpe", start=1)}


class MemoryBacking:
    """Keys `memory-locked`, `memory-unshared` (only ever "yes"), `memory-allocation` (`immediate`,
    `ondemand`) and `hugepages`.

    `hugepages` is `default` (the host's default size), a size in KiB (`2048`), or sizes per guest NUMA
    cell (`1048576@0;2048@1`, sorted as text).
    """

    families = (*_FLAGS, "memory-allocation", "hugepages")

    def read(self, domain: _Element) -> dict[str, str]:
        """`<locked/>`, `<nosharepages/>`, `<allocation mode>` and `<hugepages>`."""
        found = {
            key: "yes"
            for key, tag in _FLAGS.items()
            if tree.first(domain, "memoryBacking", tag) is not None
        }
        allocation = tree.first(domain, "memoryBacking", "allocation")
        mode = None if allocation is None else allocation.get("mode")
        if mode is not None:
            found["memory-allocation"] = mode
        hugepages = tree.first(domain, "memoryBacking", "hugepages")
        if hugepages is not None:
            pages = sorted(_page(page) for page in hugepages.iterchildren("page"))
            found["hugepages"] = ";".join(pages) or DEFAULT_PAGES
        return found

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Lock or unlock, share or not; choose the allocation and the page sizes.

        Raises:
            ValueError: a foreign key, or a value that is not of it.
        """
        if key not in self.families:
            raise ValueError(f"{key!r} is not of this setting")
        if key == "memory-allocation":
            _write_allocation(domain, value)
            return
        if key in _FLAGS and value not in ("yes", None):
            raise refuse(key, value, "yes or absent")
        tag = _FLAGS.get(key, key)
        if value is None:
            for element in list(tree.each(domain, "memoryBacking", tag)):
                tree.remove(element)
            return
        pages = _pages(key, value) if tag == "hugepages" else []
        if self.read(domain).get(key) == value:
            return
        element = tree.reach(domain, "memoryBacking", tag)
        _replace_pages(element, pages)


def _write_allocation(domain: _Element, value: str | None) -> None:
    """The mode; the number of threads that allocate is somebody else's."""
    if value is not None and value not in _ALLOCATIONS:
        raise refuse("memory-allocation", value, f"{' or '.join(_ALLOCATIONS)} or absent")
    if value is not None:
        tree.reach(domain, "memoryBacking", "allocation").set("mode", value)
        return
    for element in list(tree.each(domain, "memoryBacking", "allocation")):
        tree.drop(element, "mode")
        if tree.is_empty(element):
            tree.remove(element)


def memory_kib(domain: _Element) -> int | None:
    """The guest's memory in KiB, rounded up as libvirt does; None when it is not understood."""
    return _kib(tree.child(domain, "memory"))


def hard_limit_kib(domain: _Element) -> int | None:
    """`<memtune><hard_limit>` in KiB: all that QEMU may use or lock; None when there is none."""
    return _kib(tree.first(domain, "memtune", "hard_limit"))


def scale_to_kib(number: str, unit: str | None) -> int | None:
    """A size in libvirt's notation (src/util/virutil.c, virScaleInteger), rounded up to KiB.

    `KiB`, `k` and no unit are 1024 bytes, `KB` is 1000; letters may have any case.

    >>> scale_to_kib("1", "GB"), scale_to_kib("16", "G")
    (976563, 16777216)
    """
    digits = number.strip()
    scale = _scale(unit or "KiB")
    # libvirt keeps sizes in 64 bits: 20 digits.
    if scale is None or not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        return None
    return -(-int(digits) * scale // 1024)


def _scale(unit: str) -> int | None:
    name = unit.lower()
    if name in ("b", "byte", "bytes"):
        return 1
    power = _POWERS.get(name[:1])
    base = {"": 1024, "ib": 1024, "b": 1000}.get(name[1:])
    return None if power is None or base is None else base**power


def _kib(element: _Element | None) -> int | None:
    if element is None:
        return None
    return scale_to_kib(tree.text_of(element), element.get("unit"))


def _page(page: _Element) -> str:
    size = scale_to_kib(page.get("size", ""), page.get("unit"))
    text = f"{page.get('size', '')}{page.get('unit', '')}" if size is None else str(size)
    nodeset = page.get("nodeset")
    return text if nodeset is None else f"{text}@{canonical_cpuset(nodeset)}"


def _pages(key: str, value: str) -> list[dict[str, str]]:
    """The attributes of each `<page>` that the value asks for."""
    if value == DEFAULT_PAGES:
        return []
    pages = []
    for part in value.split(";"):
        size, at, nodeset = part.partition("@")
        if scale_to_kib(size, None) is None or not int(size):
            raise refuse(key, value, "a page size in KiB, such as 2048, or default")
        page = {"size": str(int(size)), "unit": "KiB"}
        pages.append({**page, "nodeset": checked_cpuset(key, nodeset)} if at else page)
    return pages


def _replace_pages(element: _Element, pages: list[dict[str, str]]) -> None:
    old = list(element.iterchildren("page"))
    if len(old) == len(pages) == 1 and set(old[0].attrib) == set(pages[0]):
        for name, text in pages[0].items():
            old[0].set(name, text)
        return
    for page in pages:
        tree.insert(element, "page", page)
    for outdated in old:
        tree.remove_line(outdated)

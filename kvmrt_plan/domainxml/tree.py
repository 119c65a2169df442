# SPDX-License-Identifier: Apache-2.0
"""Surgery on the element tree: insert, remove and retext so that the rest keeps its every character.

Whitespace between elements is text of the tree. What is inserted brings libvirt's indentation (two
blanks per level) or that of its neighbours, and what is removed takes its own line along, so that
inserting and removing again restores the text. Comments, processing instructions and foreign elements
count as content: a parent that holds one is not empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml.etree import SubElement, _Element

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The order in which libvirt writes the children of elements we add to (src/conf/domain_conf.c,
#: virDomainDefFormatInternalSetRootName and what it calls). The schema takes any order; a new element
#: stands where people expect it. Tags that are missing here are never moved nor used as landmarks.
_ORDERS = {
    "domain": (
        "name", "uuid", "genid", "title", "description", "metadata", "maxMemory", "memory",
        "currentMemory", "blkiotune", "memtune", "memoryBacking", "vcpu", "vcpus", "iothreads",
        "iothreadids", "defaultiothread", "cputune", "numatune", "resource", "sysinfo", "bootloader",
        "bootloader_args", "os", "idmap", "throttlegroups", "features", "cpu", "clock", "on_poweroff",
        "on_reboot", "on_crash", "on_lockfailure", "pm", "perf", "devices", "seclabel", "keywrap",
        "launchSecurity",
    ),
    "cputune": (
        "shares", "period", "quota", "global_period", "global_quota", "emulator_period",
        "emulator_quota", "iothread_period", "iothread_quota", "vcpupin", "emulatorpin",
        "iothreadpin", "emulatorsched", "vcpusched", "iothreadsched", "cachetune", "memorytune",
    ),
    "numatune": ("memory", "memnode"),
    "memoryBacking": (
        "hugepages", "nosharepages", "locked", "source", "access", "allocation", "discard",
    ),
    "features": (
        "pae", "acpi", "apic", "viridian", "privnet", "hap", "hyperv", "xen", "kvm", "pvspinlock",
        "gic", "pmu", "vmport", "smm", "ioapic",
    ),
    "kvm": ("hidden", "hint-dedicated", "poll-control", "pv-ipi", "dirty-ring"),
    "cpu": ("model", "vendor", "topology", "cache", "maxphysaddr", "feature", "numa"),
    "clock": ("timer",),
    "devices": (
        "emulator", "disk", "controller", "lease", "filesystem", "interface", "smartcard", "serial",
        "parallel", "console", "channel", "input", "tpm", "graphics", "sound", "audio", "video",
        "hostdev", "redirdev", "redirfilter", "hub", "watchdog", "memballoon", "rng", "nvram",
        "panic", "shmem", "memory", "iommu", "vsock", "crypto", "pstore",
    ),
}  # fmt: skip

#: The attribute that orders several elements of one tag among themselves.
_NUMBERS = {
    "vcpupin": "vcpu", "iothreadpin": "iothread", "vcpusched": "vcpus", "iothreadsched": "iothreads",
    "memnode": "cellid",
}  # fmt: skip


def drop(element: _Element, attribute: str) -> None:
    """Take the attribute away, if it is there."""
    if attribute in element.attrib:
        del element.attrib[attribute]


def child(parent: _Element, tag: str) -> _Element | None:
    """The first child of that tag, without a namespace."""
    return next(parent.iterchildren(tag), None)


def each(parent: _Element, *path: str) -> Iterator[_Element]:
    """All elements at the path, also where a parent occurs twice, in the document's order."""
    if len(path) == 1:
        yield from parent.iterchildren(path[0])
        return
    for inner in parent.iterchildren(path[0]):
        yield from each(inner, *path[1:])


def first(parent: _Element, *path: str) -> _Element | None:
    """The first element at the path."""
    return next(each(parent, *path), None)


def reach(parent: _Element, *path: str) -> _Element:
    """The first element at the path; what is missing is made, each at its place."""
    found = first(parent, *path)
    if found is not None:
        return found
    for tag in path:
        inner = child(parent, tag)
        parent = insert(parent, tag) if inner is None else inner
    return parent


def insert(parent: _Element, tag: str, attributes: dict[str, str] | None = None) -> _Element:
    """A new child at the place where libvirt writes it."""
    made = SubElement(parent, tag, attributes or {})
    order = _ORDERS.get(str(parent.tag), ())
    rank = _rank(made, order)
    landmarks = [
        index
        for index, sibling in enumerate(parent)
        if sibling is not made and sibling.tag in order and _rank(sibling, order) <= rank
    ]
    if landmarks:
        _settle(parent, made, landmarks[-1] + 1)
    else:
        _settle(parent, made, 0 if order else len(parent) - 1)
    return made


def insert_after(sibling: _Element, tag: str, attributes: dict[str, str]) -> _Element:
    """A new element right behind its sibling."""
    parent = sibling.getparent()
    assert parent is not None, (
        "only the root has no parent, and it has no siblings that are elements"
    )
    made = SubElement(parent, tag, attributes)
    _settle(parent, made, parent.index(sibling) + 1)
    return made


def remove(element: _Element) -> None:
    """Take the element away with its line; parents left empty go too, the root never does."""
    parent = element.getparent()
    if parent is None:
        return
    remove_line(element)
    if parent.getparent() is not None and is_empty(parent):
        remove(parent)


def remove_line(element: _Element) -> None:
    """Take the element away with its line, and leave its parent, empty or not."""
    parent = element.getparent()
    assert parent is not None, "the root cannot be removed"
    before, after = element.getprevious(), element.getnext()
    # A blank tail separates the element from the next one and goes; the last one's indents the end
    # tag of the parent and stays; text that is no blank is not ours.
    kept = (element.tail or "") if after is None or (element.tail or "").strip() else ""
    element.tail = None
    parent.remove(element)
    if before is not None:
        before.tail = _join(before.tail, kept)
    elif after is not None or kept.strip():
        parent.text = _join(parent.text, kept)
    else:
        parent.text = (parent.text or "").rstrip() or None


def is_empty(element: _Element) -> bool:
    """Whether it says nothing: no attribute, no child (comments count), no text but blanks."""
    return not element.attrib and not len(element) and not (element.text or "").strip()


def text_of(element: _Element | None) -> str:
    """The text as XPath's string() has it: comments left out; "" for no element."""
    if element is None:
        return ""
    if not len(element):
        return element.text or ""
    return str(element.xpath("string()"))


def set_text(element: _Element, text: str) -> None:
    """Replace the text and any child elements; comments stay."""
    for inner in list(element):
        if isinstance(inner.tag, str):
            element.remove(inner)
        else:
            inner.tail = None
    element.text = text


def _rank(element: _Element, order: tuple[str, ...]) -> tuple[int, int]:
    tag = str(element.tag)
    text = element.get(_NUMBERS[tag], "") if tag in _NUMBERS else ""
    digits = text.partition(",")[0].partition("-")[0]
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
    return (order.index(tag) if tag in order else len(order)), number


def _settle(parent: _Element, made: _Element, index: int) -> None:
    """Move the last child to the index, with the whitespace that its neighbours have."""
    if len(parent) == 1:
        depth = sum(1 for _ in parent.iterancestors())
        parent.text = (parent.text or "").rstrip() + "\n" + "  " * (depth + 1)
        made.tail = "\n" + "  " * depth
        return
    last = parent[-2]
    if index == len(parent) - 1:
        made.tail, last.tail = last.tail, _lead(parent, 0)
        return
    parent.remove(made)
    parent.insert(index, made)
    made.tail = _lead(parent, index)


def _lead(parent: _Element, index: int) -> str | None:
    """The whitespace before the child at the index: what separates children here."""
    text = parent.text if index == 0 else parent[index - 1].tail
    blanks = (text or "")[len((text or "").rstrip()) :]
    # A blank line between groups of elements belongs to its place, not to every element.
    return "\n" + blanks.rpartition("\n")[2] if "\n" in blanks else blanks or None


def _join(before: str | None, behind: str) -> str | None:
    """Two texts that become neighbours; of two blank ones the second counts."""
    if not behind:
        return before or None
    return (before or "") + behind if (before or "").strip() else behind

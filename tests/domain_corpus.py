# SPDX-License-Identifier: Apache-2.0
"""Domain XML of other projects, edits that make sense for each, and what an edit must not touch.

`without_owned` knows from libvirt's documentation alone what each key owns; it shares no code with the
package, so that it can find what an edit changed beside its own part.
"""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: What each key owns, as XPath of elements; `N` stands for the key's number.
ELEMENTS = {
    "name": "name",
    "title": "title",
    "description": "description",
    "vcpus": "vcpu/@current | vcpus",
    "vcpu-cpuset": "vcpu/@cpuset",
    "vcpu-placement": "vcpu/@placement",
    "vcpupin": "cputune/vcpupin[@vcpu='N']",
    "emulatorpin": "cputune/emulatorpin",
    "iothreadpin": "cputune/iothreadpin[@iothread='N']",
    "vcpusched": "cputune/vcpusched[@vcpus='N']",
    "iothreadsched": "cputune/iothreadsched[@iothreads='N']",
    "emulatorsched": "cputune/emulatorsched",
    "numatune": "numatune/memory",
    "memnode": "numatune/memnode[@cellid='N']",
    "memory-locked": "memoryBacking/locked",
    "memory-unshared": "memoryBacking/nosharepages",
    "memory-allocation": "memoryBacking/allocation",
    "pmu": "features/pmu",
    "vmport": "features/vmport",
    "ioapic": "features/ioapic",
    "kvm-hint-dedicated": "features/kvm/hint-dedicated",
    "kvm-poll-control": "features/kvm/poll-control",
    "cpu-mode": "cpu/@mode | cpu/@match | cpu/@check | cpu/@migratable | cpu/model | cpu/vendor",
    "cpu-migratable": "cpu/@migratable",
    "cpu-tsc-deadline": "cpu/feature[@name='tsc-deadline']",
    "cpu-invtsc": "cpu/feature[@name='invtsc']",
    "timer-hpet": "clock/timer[@name='hpet']",
    "timer-kvmclock": "clock/timer[@name='kvmclock']",
    "hugepages": "memoryBacking/hugepages",
    "kvm-hidden": "features/kvm/hidden",
    "topology": "cpu/topology",
    "memballoon": "devices/memballoon",
    "iothreads": "iothreads | iothreadids",
}

#: Parents that libvirt leaves out when they are empty.
PARENTS = "cputune | numatune | memoryBacking | features/kvm | features | cpu | clock | devices"


class Edit(NamedTuple):
    """One owned key and the value to write."""

    key: str
    value: str | None


def read_corpus(shared_data: Path) -> dict[str, str]:
    """Every document by its name, the two broken ones included."""
    folder = shared_data / "domains"
    found = {}
    for archive in sorted(folder.glob("*.tar.xz")):
        with tarfile.open(archive) as packed:
            for member in packed:
                if member.isfile() and member.name.endswith(".xml"):
                    found[member.name] = packed.extractfile(member).read().decode()
    for path in sorted(folder.glob("*/**/*.xml")):
        found[str(path.relative_to(folder))] = path.read_text(encoding="utf-8")
    return found


def is_domain(text: str) -> bool:
    """Whether it is well-formed XML of a domain, by a parser of its own."""
    try:
        return etree.fromstring(text.encode()).tag == "domain"
    except etree.XMLSyntaxError:
        return False


def edits(settings: Mapping[str, str]) -> Iterator[Edit]:
    """For each key another value than it has: changed where it is there, added where it is not."""
    last = int(settings.get("vcpus", "1")) - 1
    yield Edit("title", "Real time & <more>")
    yield Edit("description", "two\n  lines, 'quoted' \"twice\"")
    yield Edit("vcpu-cpuset", "2,4-5" if settings.get("vcpu-cpuset") != "2,4-5" else "1")
    for key in ("vcpupin 0", f"vcpupin {last}", "emulatorpin"):
        yield Edit(key, "0,2-3" if settings.get(key) != "0,2-3" else "1")
    for key in ("vcpusched 0", f"vcpusched {last}"):
        yield Edit(key, "fifo 7" if settings.get(key) != "fifo 7" else "rr 3")
    yield Edit("emulatorsched", "fifo 7" if settings.get("emulatorsched") != "fifo 7" else "rr 3")
    yield Edit("numatune", "0,3" if settings.get("numatune") != "0,3" else "1")
    yield Edit("memory-locked", None if "memory-locked" in settings else "yes")
    yield Edit("hugepages", "1048576" if settings.get("hugepages") != "1048576" else "2048")
    yield Edit("kvm-hidden", None if "kvm-hidden" in settings else "on")
    yield Edit("memballoon", "none" if settings.get("memballoon") != "none" else "virtio")
    yield from _machine_edits(settings)
    yield Edit("iothreads", str(int(settings.get("iothreads", "0")) + 1))
    for key in settings:
        if key.startswith("iothreadpin"):
            yield Edit(key, "0,2-3" if settings[key] != "0,2-3" else "1")


def _machine_edits(settings: Mapping[str, str]) -> Iterator[Edit]:
    """The same for the guest's machine; features only where there is a model that has them."""
    yield Edit("memory-unshared", None if "memory-unshared" in settings else "yes")
    allocation = "immediate" if settings.get("memory-allocation") != "immediate" else "ondemand"
    yield Edit("memory-allocation", allocation)
    for key in ("pmu", "vmport"):
        yield Edit(key, "off" if settings.get(key) != "off" else "on")
    yield Edit("ioapic", "qemu" if settings.get("ioapic") != "qemu" else "kvm")
    for key in ("kvm-hint-dedicated", "kvm-poll-control"):
        yield Edit(key, None if key in settings else "on")
    for key in ("timer-hpet", "timer-kvmclock"):
        yield Edit(key, "no" if settings.get(key) != "no" else "yes")
    if settings.get("cpu-mode") != "host-passthrough":
        yield Edit("cpu-mode", "host-passthrough")
    else:
        yield Edit("cpu-migratable", None if "cpu-migratable" in settings else "off")
    if "cpu-mode" in settings:
        for key in ("cpu-tsc-deadline", "cpu-invtsc"):
            yield Edit(key, "disable" if settings.get(key) != "disable" else "require")
    for key in settings:
        if key.startswith("memnode"):
            yield Edit(key, "0" if settings[key] != "0" else "1")


def canonical(text: str) -> bytes:
    """Canonical XML of the document, blanks included."""
    return etree.tostring(etree.fromstring(text.encode()), method="c14n")


def without_owned(text: str, *keys: str) -> bytes:
    """Canonical XML of the document without the keys' parts, empty parents and indentation."""
    root = etree.fromstring(text.encode(), etree.XMLParser(remove_blank_text=True))
    _ungroup_schedulers(root)
    _spell_out_vcpu(root)
    for key in keys:
        family, _, number = key.partition(" ")
        for owned in root.xpath(ELEMENTS[family].replace("N", number)):
            _cut(owned)
        if family == "vcpus":
            for vcpu in root.xpath("vcpu"):
                vcpu.text = None
    _cut_empty_parents(root)
    for element in root.iter():
        if not (element.text or "").strip():
            element.text = None
        if not (element.tail or "").strip():
            element.tail = None
    return etree.tostring(root, method="c14n")


def _spell_out_vcpu(root) -> None:
    """One vCPU, placed statically, are libvirt's defaults; at one place whether it was there or not."""
    vcpu = root.find("vcpu")
    if vcpu is None:
        vcpu = etree.SubElement(root, "vcpu")
        vcpu.text = "1"
    vcpu.set("placement", vcpu.get("placement", "static"))
    root.insert(0, vcpu)


def _cut(owned) -> None:
    if isinstance(owned, str):
        del owned.getparent().attrib[owned.attrname]
    else:
        owned.getparent().remove(owned)


def _cut_empty_parents(root) -> None:
    for parent in reversed(root.xpath(PARENTS)):
        if not len(parent) and not parent.attrib and not (parent.text or "").strip():
            parent.getparent().remove(parent)


def _ungroup_schedulers(root) -> None:
    """One element per thread, in their order, as libvirt's normal form has them."""
    for tag, name in (("vcpusched", "vcpus"), ("iothreadsched", "iothreads")):
        for group in root.xpath(f"cputune/{tag}"):
            parent, numbers = group.getparent(), _numbers(group.get(name))
            for number in numbers:
                single = etree.SubElement(parent, tag, dict(group.attrib))
                single.set(name, str(number))
            if numbers:
                parent.remove(group)
        for cputune in root.xpath("cputune"):
            singles = cputune.findall(tag)
            for single in sorted(singles, key=lambda one: _numbers(one.get(name)) or [-1]):
                cputune.append(single)


def _numbers(text: str) -> list[int]:
    """The vCPUs of a list such as `0-4,^3`; none for any other text."""
    if not re.fullmatch(r"\d+(-\d+)?(,\^?\d+(-\d+)?)*", text):
        return []
    found = set()
    for part in text.split(","):
        low, _, high = part.removeprefix("^").partition("-")
        named = set(range(int(low), int(high or low) + 1))
        found = found - named if part.startswith("^") else found | named
    return sorted(found)

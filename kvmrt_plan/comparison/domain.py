# SPDX-License-Identifier: Apache-2.0
"""A domain as a table of what it says: its state, its elements by name, and where its threads may run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kvmrt_plan.domainxml.document import parse_domain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from kvmrt_plan.facts.domain import Domain

#: The attribute that tells elements of one tag apart.
_KEYS = {
    "vcpupin": "vcpu", "iothreadpin": "iothread", "vcpusched": "vcpus", "iothreadsched": "iothreads",
    "memnode": "cellid", "cell": "id", "sibling": "id", "feature": "name", "page": "size",
    "iothread": "id", "timer": "name", "vcpu": "id",
}  # fmt: skip


def domain_table(domain: Domain) -> dict[str, object]:
    """State and autostart; `definition` and `running` with the attributes of each element.

    Raises:
        DomainXmlError: its XML cannot be read.
    """
    found: dict[str, object] = {
        "name": domain.name,
        "state": domain.state,
        "autostart": "yes" if domain.has_autostart else "no",
    }
    for key, xml in (("definition", domain.xml), ("running", domain.live_xml)):
        if xml:
            found[key] = dict(_elements(parse_domain(xml, domain=domain.name), ""))
    if domain.threads:
        found["threads"] = _threads(domain)
    return found


def _threads(domain: Domain) -> dict[str, object]:
    """By name; threads of one name (workers) that may run in the same place are one."""
    names = Counter(thread.name for thread in domain.threads)
    found: dict[str, object] = {}
    for thread in domain.threads:
        key = thread.name if names[thread.name] == 1 else f"{thread.name} on {thread.affinity}"
        priority = f" {thread.priority}" if thread.priority else ""
        found[key] = {"affinity": thread.affinity, "policy": f"{thread.policy}{priority}"}
    return found


def _elements(element: _Element, path: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each element that says something, by its path; its own text under an empty name."""
    said = {_local(str(name)): str(value) for name, value in element.attrib.items()}
    text = (element.text or "").strip()
    if text:
        said[""] = text
    children = [child for child in element if isinstance(child.tag, str)]
    if path and (said or not children):
        yield path, said
    counts: Counter[str] = Counter()
    for child in children:
        tag = _local(str(child.tag))
        name = f"{tag} {_key(child, tag)}".rstrip()
        counts[name] += 1
        unique = name if counts[name] == 1 else f"{name} {counts[name]}"
        yield from _elements(child, f"{path}/{unique}".lstrip("/"))


def _key(element: _Element, tag: str) -> str:
    """What tells it from its siblings: a number, or for a disk the name that the guest has for it."""
    if tag in _KEYS:
        return element.get(_KEYS[tag], "")
    target = element.find("target")
    return target.get("dev", "") if tag == "disk" and target is not None else ""


def _local(name: str) -> str:
    return name.rpartition("}")[2]

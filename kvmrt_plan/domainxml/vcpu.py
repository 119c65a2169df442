# SPDX-License-Identifier: Apache-2.0
"""`<vcpu>`: how many vCPUs, and the domain-wide default of their placement.

`vcpus` is the maximum; `current` (how many are plugged at the start) is kept when it still says
something. The list `<vcpus>` describes the plugging of each single vCPU of one maximum. libvirt refuses
one that names a vCPU beyond it ("out of range of maximum vcpu count") and takes vCPUs that it does not
name as unplugged, so a changed maximum drops the list, and `current` speaks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.cpulist import canonical_cpuset, checked_cpuset
from kvmrt_plan.domainxml.setting import canonical_number, parse_number, refuse

if TYPE_CHECKING:
    from lxml.etree import _Element


class Vcpu:
    """Keys `vcpus` ("4"), `vcpu-cpuset` (a cpulist), `vcpu-placement` (only ever "auto")."""

    families = ("vcpus", "vcpu-cpuset", "vcpu-placement")

    def read(self, domain: _Element) -> dict[str, str]:
        """`vcpus` always, as libvirt makes it 1 where nothing is said; `placement='static'` is
        libvirt's default and has no key.
        """
        found = {"vcpus": max_vcpus(domain)}
        vcpu = tree.child(domain, "vcpu")
        if vcpu is None:
            return found
        cpuset = vcpu.get("cpuset")
        if cpuset is not None:
            found["vcpu-cpuset"] = canonical_cpuset(cpuset)
        placement = vcpu.get("placement", "static")
        if placement != "static":
            found["vcpu-placement"] = placement
        return found

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Set one of the three; the number of vCPUs cannot be removed.

        Raises:
            ValueError: a foreign key, or a value that is not of it.
        """
        match key:
            case "vcpus":
                _write_count(domain, value)
            case "vcpu-cpuset":
                cpuset = None if value is None else checked_cpuset(key, value)
                _write_attribute(domain, "cpuset", cpuset)
            case "vcpu-placement":
                _write_placement(domain, value)
            case _:
                raise ValueError(f"{key!r} is not of this setting")


def max_vcpus(domain: _Element) -> str:
    """The maximum as a canonical number (or raw text); libvirt's default is one vCPU."""
    vcpu = tree.child(domain, "vcpu")
    return "1" if vcpu is None else canonical_number(tree.text_of(vcpu))


def _reach_vcpu(domain: _Element) -> _Element:
    vcpu = tree.reach(domain, "vcpu")
    if not tree.text_of(vcpu).strip():
        tree.set_text(vcpu, "1")
    return vcpu


def _write_count(domain: _Element, value: str | None) -> None:
    count = parse_number(value)
    if not count:
        raise refuse("vcpus", value, "a number of vCPUs from 1")
    vcpu = _reach_vcpu(domain)
    if canonical_number(tree.text_of(vcpu)) == str(count):
        return
    tree.set_text(vcpu, str(count))
    current = parse_number(vcpu.get("current"))
    if "current" in vcpu.attrib and (current is None or current >= count):
        del vcpu.attrib["current"]
    for plugging in list(tree.each(domain, "vcpus")):
        tree.remove(plugging)


def _write_attribute(domain: _Element, name: str, value: str | None) -> None:
    if value is not None:
        _reach_vcpu(domain).set(name, value)
        return
    for vcpu in tree.each(domain, "vcpu"):
        tree.drop(vcpu, name)


def _write_placement(domain: _Element, value: str | None) -> None:
    if value == "auto":
        _reach_vcpu(domain).set("placement", value)
        return
    if value is not None:
        raise refuse("vcpu-placement", value, "auto or absent")
    for vcpu in tree.each(domain, "vcpu"):
        if vcpu.get("placement", "static") != "static":
            vcpu.set("placement", "static")

# SPDX-License-Identifier: Apache-2.0
"""`<vcpusched>` in `<cputune>`: scheduling policy and priority of each vCPU thread.

In hand-made XML one element serves a set of vCPUs; libvirt's normal form has one element per vCPU.
Changing one vCPU of a set splits it off and leaves the others alone. Equal elements are not joined: in
libvirt's normal form they would be taken apart again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.cpulist import parse_cpuset
from kvmrt_plan.domainxml.setting import canonical_number, key_number, parse_number, refuse
from kvmrt_plan.values.cpuset import EMPTY, CpuListError, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

#: Policies that carry a priority; `batch` and `idle` have none (see sched(7)).
_REAL_TIME = ("fifo", "rr")


class Scheduler:
    """Keys `vcpusched N`; values `fifo 1`, `rr 1`, `batch`, `idle`."""

    families = ("vcpusched",)

    def read(self, domain: _Element) -> dict[str, str]:
        """One key per vCPU, however they are grouped; the first element that names it counts."""
        found: dict[str, str] = {}
        seen = EMPTY
        for element, vcpus in _elements(domain):
            value = _value(element)
            found.update((f"vcpusched {vcpu}", value) for vcpu in vcpus - seen)
            seen |= vcpus
        return found

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Give one vCPU its policy, or with None that of the process (SCHED_OTHER).

        Raises:
            ValueError: a foreign key, or a policy or priority that libvirt does not know.
        """
        if key.partition(" ")[0] != "vcpusched":
            raise ValueError(f"{key!r} is not of this setting")
        vcpu = key_number(key)
        attributes = None if value is None else _attributes(key, value)
        naming = [(element, vcpus) for element, vcpus in _elements(domain) if vcpu in vcpus]
        for element, vcpus in naming[1:]:
            _leave(element, vcpus, vcpu)
        if attributes is None:
            for element, vcpus in naming[:1]:
                _leave(element, vcpus, vcpu)
        elif not naming:
            cputune = tree.reach(domain, "cputune")
            tree.insert(cputune, "vcpusched", {"vcpus": str(vcpu), **attributes})
        elif _value(naming[0][0]) != value:
            _change(*naming[0], vcpu, attributes)


def _elements(domain: _Element) -> Iterator[tuple[_Element, CpuSet]]:
    """Each element with its vCPUs; those whose set cannot be understood are left out."""
    for element in list(tree.each(domain, "cputune", "vcpusched")):
        try:
            yield element, parse_cpuset(element.get("vcpus", ""))
        except CpuListError:
            continue


def _value(element: _Element) -> str:
    policy = element.get("scheduler", "")
    priority = element.get("priority")
    if policy not in _REAL_TIME and policy in ("batch", "idle"):
        return policy
    return policy if priority is None else f"{policy} {canonical_number(priority)}"


def _attributes(key: str, value: str) -> dict[str, str]:
    policy, _, text = value.partition(" ")
    if value in ("batch", "idle"):
        return {"scheduler": value}
    priority = parse_number(text)
    if policy not in _REAL_TIME or priority is None or not 1 <= priority <= 99:
        raise refuse(key, value, "fifo or rr with a priority from 1 to 99, batch, or idle")
    return {"scheduler": policy, "priority": str(priority)}


def _change(element: _Element, vcpus: CpuSet, vcpu: int, attributes: dict[str, str]) -> None:
    if len(vcpus) > 1:
        element.set("vcpus", str(vcpus - CpuSet([vcpu])))
        tree.insert_after(element, "vcpusched", {"vcpus": str(vcpu), **attributes})
        return
    for name in ("scheduler", "priority"):
        if name in attributes:
            element.set(name, attributes[name])
        else:
            tree.drop(element, name)


def _leave(element: _Element, vcpus: CpuSet, vcpu: int) -> None:
    if len(vcpus) > 1:
        element.set("vcpus", str(vcpus - CpuSet([vcpu])))
    else:
        tree.remove(element)

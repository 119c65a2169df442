# SPDX-License-Identifier: Apache-2.0
"""`<vcpusched>`, `<iothreadsched>` and `<emulatorsched>` in `<cputune>`: scheduling policy and priority
of each vCPU, of each iothread, and of QEMU's first thread.

In hand-made XML one element serves a set of threads; libvirt's normal form has one element per thread.
Changing one thread of a set splits it off and leaves the others alone. Equal elements are not joined: in
libvirt's normal form they would be taken apart again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.cpulist import parse_cpuset
from kvmrt_plan.domainxml.setting import canonical_number, key_number, parse_number, refuse
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

#: The attribute that names the threads of an element; None: there is one thread.
_SETS = {"vcpusched": "vcpus", "iothreadsched": "iothreads", "emulatorsched": None}
#: Its number where there is one thread.
_ONLY = 0
#: Policies that carry a priority; `batch` and `idle` have none (see sched(7)).
_REAL_TIME = ("fifo", "rr")


class Scheduler:
    """Keys `vcpusched N`, `iothreadsched N`, `emulatorsched`; values `fifo 1`, `rr 1`, `batch`, `idle`."""

    families = tuple(_SETS)

    def read(self, domain: _Element) -> dict[str, str]:
        """One key per thread, however they are grouped; the first element that names it counts."""
        found: dict[str, str] = {}
        for family, name in _SETS.items():
            for element, threads in _elements(domain, family):
                value = _value(element)
                for thread in threads:
                    found.setdefault(f"{family} {thread}" if name else family, value)
        return found

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Give one thread its policy, or with None that of the process (SCHED_OTHER).

        Raises:
            ValueError: a foreign key, or a policy or priority that libvirt does not know.
        """
        family = key.partition(" ")[0]
        if family not in _SETS or (key == family) is not (_SETS[family] is None):
            raise ValueError(f"{key!r} is not of this setting")
        thread = _ONLY if key == family else key_number(key)
        attributes = None if value is None else _attributes(key, value)
        naming = [one for one in _elements(domain, family) if thread in one[1]]
        for element, threads in naming[1:]:
            _leave(element, threads, thread)
        if attributes is None:
            for element, threads in naming[:1]:
                _leave(element, threads, thread)
        elif not naming:
            cputune = tree.reach(domain, "cputune")
            tree.insert(cputune, family, {**_named(family, thread), **attributes})
        elif _value(naming[0][0]) != value:
            _change(*naming[0], thread, attributes)


def _elements(domain: _Element, family: str) -> Iterator[tuple[_Element, CpuSet]]:
    """Each element with its threads; those whose set cannot be understood are left out."""
    name = _SETS[family]
    for element in list(tree.each(domain, "cputune", family)):
        try:
            threads = CpuSet([_ONLY]) if name is None else parse_cpuset(element.get(name, ""))
            yield element, threads
        except CpuListError:
            continue


def _named(family: str, thread: int) -> dict[str, str]:
    name = _SETS[family]
    return {} if name is None else {name: str(thread)}


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


def _change(element: _Element, threads: CpuSet, thread: int, attributes: dict[str, str]) -> None:
    family = str(element.tag)
    if len(threads) > 1:
        _leave(element, threads, thread)
        tree.insert_after(element, family, {**_named(family, thread), **attributes})
        return
    for name in ("scheduler", "priority"):
        if name in attributes:
            element.set(name, attributes[name])
        else:
            tree.drop(element, name)


def _leave(element: _Element, threads: CpuSet, thread: int) -> None:
    name = _SETS[str(element.tag)]
    if name is not None and len(threads) > 1:
        element.set(name, str(threads - CpuSet([thread])))
    else:
        tree.remove(element)

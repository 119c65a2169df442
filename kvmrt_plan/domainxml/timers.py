# SPDX-License-Identifier: Apache-2.0
"""`<clock><timer>`: which timers and clocks the guest has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.setting import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

_TIMERS = {"timer-hpet": "hpet", "timer-kvmclock": "kvmclock"}


class Timers:
    """Keys `timer-hpet` and `timer-kvmclock`; `yes`, `no`, or absent: QEMU's choice."""

    families = tuple(_TIMERS)

    def read(self, domain: _Element) -> dict[str, str]:
        """A timer that does not say whether it is present has no key."""
        found = {}
        for key, name in _TIMERS.items():
            timer = next(_timers(domain, name), None)
            present = None if timer is None else timer.get("present")
            if present is not None:
                found[key] = present
        return found

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Say whether the timer is present; what else a timer says (its tick policy) stays.

        Raises:
            ValueError: a foreign key, or a value other than yes and no.
        """
        if key not in _TIMERS:
            raise ValueError(f"{key!r} is not of this setting")
        name = _TIMERS[key]
        if value is None:
            for silenced in list(_timers(domain, name)):
                tree.drop(silenced, "present")
                if silenced.attrib.keys() == ["name"] and not len(silenced):
                    tree.remove(silenced)
            return
        if value not in ("yes", "no"):
            raise refuse(key, value, "yes, no or absent")
        timer = next(_timers(domain, name), None)
        if timer is None:
            clock = tree.reach(domain, "clock")
            tree.insert(clock, "timer", {"name": name, "present": value})
        else:
            timer.set("present", value)


def _timers(domain: _Element, name: str) -> Iterator[_Element]:
    return (one for one in tree.each(domain, "clock", "timer") if one.get("name") == name)

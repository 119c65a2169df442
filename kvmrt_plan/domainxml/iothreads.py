# SPDX-License-Identifier: Apache-2.0
"""`<iothreads>` and `<iothreadids>`: how many iothreads there are, and their numbers.

libvirt makes the longer of both true: more ids than the count raise the count, and missing ids are the
lowest free numbers from 1 (virDomainIOThreadIDDefArrayInit; measured with libvirt 9.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.setting import parse_number, refuse

if TYPE_CHECKING:
    from lxml.etree import _Element


class Iothreads:
    """Key `iothreads`; their number. None and "0" are the same: no iothreads, no key."""

    families = ("iothreads",)

    def read(self, domain: _Element) -> dict[str, str]:
        """The number that libvirt makes of count and ids."""
        element = tree.child(domain, "iothreads")
        listed = sum(1 for _ in tree.each(domain, "iothreadids", "iothread"))
        text = "0" if element is None else tree.text_of(element)
        count = parse_number(text)
        if count is None:
            return {"iothreads": text}
        return {"iothreads": str(max(count, listed))} if count or listed else {}

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Set the number; ids beyond it go, the last ones first. Pins and disks that name such an
        iothread are not touched: libvirt refuses them until they are changed too.

        Raises:
            ValueError: a foreign key, or no number.
        """
        if key != "iothreads":
            raise ValueError(f"{key!r} is not of this setting")
        count = parse_number("0" if value is None else value)
        if count is None:
            raise refuse(key, value, "a number of iothreads")
        for iothread in list(tree.each(domain, "iothreadids", "iothread"))[count:]:
            tree.remove(iothread)
        if count:
            tree.set_text(tree.reach(domain, "iothreads"), str(count))
            return
        for element in list(tree.each(domain, "iothreads")):
            tree.remove(element)


def iothread_ids(domain: _Element) -> tuple[int, ...]:
    """The numbers of all iothreads, ascending."""
    listed = (parse_number(one.get("id")) for one in tree.each(domain, "iothreadids", "iothread"))
    ids = {number for number in listed if number}
    count = parse_number(tree.text_of(tree.child(domain, "iothreads"))) or 0
    number = 1
    while len(ids) < count:
        ids.add(number)
        number += 1
    return tuple(sorted(ids))

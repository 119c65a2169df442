# SPDX-License-Identifier: Apache-2.0
"""What values had before kvmrt wrote them, for those it holds.

Sample of the file:

    {"format": "kvmrt-held", "format_version": "1.0", "boot_id": "6f0e...",
     "holders": ["fde74e84-0e1b-404e-90e7-72101e79c48a"],
     "values": {"irq/45": {"original": "0-15", "written": "0-3"}}}
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import UUID

from kvmrt_plan.errors import FactError

if TYPE_CHECKING:
    from collections.abc import Mapping

HELD_FORMAT = "kvmrt-held"
#: Where the file stands on a host, and in its snapshot.
HELD_PATH = "/run/kvmrt/held.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldValue:
    """The value before our first write, and the one that we wrote last; None is absent."""

    original: str | None
    written: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is held on a host."""

    #: By address.
    values: Mapping[str, HeldValue]
    #: VMs whose policies are in force.
    holders: frozenset[UUID]


NOTHING_HELD = Held(values=MappingProxyType({}), holders=frozenset())


def parse_held(text: str, *, boot_id: str) -> Held:
    """Held values and their holders. Nothing when the machine was started since: all of it is gone.

    Raises:
        FactError: the text is no such file.
    """
    if not text:
        return NOTHING_HELD
    try:
        document = json.loads(text)
        if document["format"] != HELD_FORMAT or document["boot_id"] != boot_id:
            return NOTHING_HELD
        values = {
            str(address): HeldValue(
                original=_value(one["original"]), written=_value(one["written"])
            )
            for address, one in document["values"].items()
        }
        holders = frozenset(UUID(one) for one in document["holders"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FactError(
            HELD_PATH,
            "is damaged, or no list of held values (with --state-dir, or on a simulated host, it stands in "
            "run/ of the state folder)",
            "remove it: policies that are in force then stay until the next boot, or until `kvmrt revert` "
            "takes their run back",
        ) from error
    return Held(values=MappingProxyType(values), holders=holders)


def _value(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"{value!r:.40} is no value")

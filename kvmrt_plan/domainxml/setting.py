# SPDX-License-Identifier: Apache-2.0
"""What an owned part of a domain's XML looks like from outside: a table of canonical texts.

A `Setting` covers one subtree (pins, balloon, NUMA). Its keys are the last part of a change's address
(`vcpupin 0`, `memory-locked`), its values canonical texts that compare equal exactly when libvirt would
treat the elements as equal (`2-3`, not `3,2`). Absent elements have no key. Reading and writing know
nothing of configurations: what a value should be is decided in `changes/domain.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element


class Setting(Protocol):
    """One owned subtree of `<domain>`."""

    def read(self, domain: _Element) -> Mapping[str, str]:
        """The canonical value of each key that the XML carries."""

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Make the key's value be so, None: absent. Touches nothing else; empty parents that it
        made itself are removed again.

        Raises:
            ValueError: the key or value is not of this setting.
        """

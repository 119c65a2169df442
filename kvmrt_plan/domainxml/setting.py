# SPDX-License-Identifier: Apache-2.0
"""What an owned part of a domain's XML looks like from outside: a table of canonical texts.

A `Setting` covers one subtree (pins, balloon, NUMA). Its keys are the last part of a change's address
(`vcpupin 0`, `memory-locked`), its values canonical texts that compare equal exactly when libvirt would
treat the elements as equal (`2-3`, not `3,2`). Absent elements have no key. Reading and writing know
nothing of configurations: what a value should be is decided in `changes/domain.py`.

Reading never fails: a value that cannot be understood is handed out as its raw text, which is never
canonical and so differs from whatever is wanted. An element whose *number* cannot be understood
(`<vcpupin vcpu='x'/>`) has no key and stays as it is; libvirt refuses such a document anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kvmrt_plan.values.cpuset import MAX_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element


class Setting(Protocol):
    """One owned subtree of `<domain>`."""

    @property
    def families(self) -> tuple[str, ...]:
        """The first word of every key of this setting (`vcpupin` for `vcpupin 0`)."""

    def read(self, domain: _Element) -> Mapping[str, str]:
        """The canonical value of each key that the XML carries."""

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Make the key's value be so, None: absent. Touches nothing else; empty parents that it
        made itself are removed again.

        Raises:
            ValueError: the key or value is not of this setting.
        """


def key_number(key: str) -> int:
    """The number of a key such as `vcpupin 3`.

    Raises:
        ValueError: there is none, or it is not written as libvirt writes it.
    """
    number = parse_number(key.partition(" ")[2])
    if number is None or str(number) != key.partition(" ")[2]:
        raise ValueError(f"{key!r} must end in a number between 0 and {MAX_ID}")
    return number


def parse_number(text: str | None) -> int | None:
    """A number between 0 and `MAX_ID`, blanks around it allowed; None for any other text."""
    digits = (text or "").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_ID))):
        return None
    number = int(digits)
    return number if number <= MAX_ID else None


def canonical_number(text: str) -> str:
    """The number without blanks and leading zeros, or the text itself when it is none."""
    number = parse_number(text)
    return text if number is None else str(number)


def refuse(key: str, value: str | None, expected: str) -> ValueError:
    """The error that a setting raises for a value that is not of it."""
    return ValueError(f"{key}: {value!r} is not {expected}")

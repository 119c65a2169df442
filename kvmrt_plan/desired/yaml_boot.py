# SPDX-License-Identifier: Apache-2.0
"""The boot part of a YAML configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.boot_attributes import BOOT_ATTRIBUTES, BOOT_LISTS, repeated
from kvmrt_plan.desired.boot_model import BootPolicy
from kvmrt_plan.desired.problems import quote
from kvmrt_plan.desired.yaml_tree import Node, Refused, Sequence
from kvmrt_plan.desired.yaml_values import FAILED, NodeReader

if TYPE_CHECKING:
    from collections.abc import Callable

_WHERE = "host: boot"
_KEYS = (*BOOT_ATTRIBUTES, *BOOT_LISTS)


class BootReader(NodeReader):
    """The boot part to its values."""

    def read_boot(self, node: Node) -> BootPolicy | None:
        """The policy; attributes that could not be read are unmanaged."""
        found = self.mapping(node, _WHERE, _KEYS)
        if found is None:
            return None
        values: dict[str, Any] = {}
        sources = {"": self.problems.source(node.line)}
        for attribute, (key, value) in found.entries.items():
            sources[attribute] = self.problems.source(key.line)
            if attribute in BOOT_LISTS:
                values[attribute] = self._read_list(value, attribute, BOOT_LISTS[attribute])
            elif attribute in BOOT_ATTRIBUTES:
                parse = BOOT_ATTRIBUTES[attribute]
                converted = self.convert(value, parse, attribute, _WHERE, failed=FAILED)
                if converted is not FAILED:
                    values[attribute] = converted
        return BootPolicy(**values, sources=sources)

    def _read_list(
        self, node: Node, attribute: str, parse: Callable[[str], str]
    ) -> tuple[str, ...]:
        if not isinstance(node, Sequence):
            if not isinstance(node, Refused):
                self._report(
                    node, f"{attribute}: a list is expected", f"write `{attribute}: [...]`"
                )
            return ()
        read = [self.convert(item, parse, attribute, _WHERE, failed=FAILED) for item in node.items]
        words = tuple(one for one in read if one is not FAILED)
        twice = repeated(words)
        if twice is not None:
            self._report(
                node, f"{attribute}: {quote(twice)} stands there twice", "keep one of the two"
            )
            return ()
        return words

    def _report(self, node: Node, summary: str, remedy: str) -> None:
        self.problems.add(codes.BAD_VALUE, node.line, summary=f"{_WHERE}: {summary}", remedy=remedy)

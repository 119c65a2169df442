# SPDX-License-Identifier: Apache-2.0
"""The allowances of a YAML configuration."""

from __future__ import annotations

from typing import Any

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.allow_attributes import ALLOW_ATTRIBUTES
from kvmrt_plan.desired.allowance import Allowance
from kvmrt_plan.desired.yaml_tree import Node, Refused, Sequence
from kvmrt_plan.desired.yaml_values import FAILED, NodeReader

_KEYS = tuple(ALLOW_ATTRIBUTES)
_REQUIRED = ("code", "reason")


class AllowReader(NodeReader):
    """A list of allowances to its values."""

    def read_allowances(self, node: Node) -> tuple[Allowance, ...]:
        """Those that could be read."""
        if not isinstance(node, Sequence):
            if not isinstance(node, Refused):
                self.problems.add(
                    codes.BAD_VALUE,
                    node.line,
                    summary="allow: a list is expected",
                    remedy="write `- {code: KR104, reason: why it is acceptable}`",
                )
            return ()
        read = [self._read_allowance(item) for item in node.items]
        return tuple(one for one in read if one is not None)

    def _read_allowance(self, node: Node) -> Allowance | None:
        found = self.mapping(node, "allow", _KEYS)
        if found is None:
            return None
        values: dict[str, Any] = {}
        for key, (_, value) in found.entries.items():
            if key in ALLOW_ATTRIBUTES:
                values[key] = self.convert(
                    value, ALLOW_ATTRIBUTES[key], key, "allow", failed=FAILED
                )
        missing = [one for one in _REQUIRED if one not in found.entries]
        for attribute in missing:
            self.report_missing(found, "allow", attribute, None)
        if missing or FAILED in values.values():
            return None
        return Allowance(**values, source=self.problems.source(node.line))

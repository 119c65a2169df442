# SPDX-License-Identifier: Apache-2.0
"""The probes of a YAML configuration."""

from __future__ import annotations

from typing import Any

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.attribute import BadValue
from kvmrt_plan.desired.model import Probe
from kvmrt_plan.desired.probe_attributes import KINDS, PROBE_ATTRIBUTES, parse_command
from kvmrt_plan.desired.yaml_tree import Node, Refused, Sequence
from kvmrt_plan.desired.yaml_values import FAILED, NodeReader

_KEYS = ("name", *KINDS, "timeout")
_WHERE = "host: probes"


class ProbeReader(NodeReader):
    """A list of probes to its values."""

    def read_probes(self, node: Node) -> tuple[Probe, ...]:
        """Those that could be read."""
        if not isinstance(node, Sequence):
            if not isinstance(node, Refused):
                self._report(
                    node, f"{_WHERE}: a list is expected", 'write `- {tcp: "192.0.2.7:22"}`'
                )
            return ()
        read = [self._read_probe(item) for item in node.items]
        return tuple(one for one in read if one is not None)

    def _read_probe(self, node: Node) -> Probe | None:
        found = self.mapping(node, _WHERE, _KEYS)
        if found is None:
            return None
        if sum(kind in found.entries for kind in KINDS) != 1:
            self._report(
                node,
                f"{_WHERE}: exactly one of {', '.join(KINDS)} is expected",
                "write one list entry for each",
            )
            return None
        values: dict[str, Any] = {}
        for key, (_, value) in found.entries.items():
            if key == "command":
                values[key] = self._read_command(value)
            elif key in PROBE_ATTRIBUTES:
                values[key] = self.convert(value, PROBE_ATTRIBUTES[key], key, _WHERE, failed=FAILED)
        if FAILED in values.values():
            return None
        return Probe(**values, source=self.problems.source(node.line))

    def _read_command(self, node: Node) -> Any:
        if isinstance(node, Refused):
            return FAILED
        items = node.items if isinstance(node, Sequence) else []
        words = [self.convert(item, str, "command", _WHERE, failed=FAILED) for item in items]
        if FAILED in words:
            return FAILED
        try:
            return parse_command(words)
        except BadValue as error:
            self._report(node, f"{_WHERE}: command: {error.expected}", error.remedy)
            return FAILED

    def _report(self, node: Node, summary: str, remedy: str) -> None:
        self.problems.add(codes.BAD_VALUE, node.line, summary=summary, remedy=remedy)

# SPDX-License-Identifier: Apache-2.0
"""Single YAML nodes to values: which type of YAML an attribute takes, and the findings where it differs.

A value is taken only where every reader of YAML 1.2 sees the same: a text that looks like a number
needs quotes, a number must not have them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.attribute import TEXT_ATTRIBUTES, BadValue
from kvmrt_plan.desired.problems import label_of, quote
from kvmrt_plan.desired.yaml_tree import Mapping, Node, Refused, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.desired.problems import Problems

_NUMBERS = frozenset(
    {
        "nr_vcpus",
        "iothreads",
        "priority",
        "timeout",
        "kthread_prio",
        "workqueue_pri",
        "halt_poll_ns",
        "ple_gap",
        "pause_filter_count",
        *("rcuc", "ktimers", "ksoftirqd", "rcub"),
    }
)
_TEXTS = TEXT_ATTRIBUTES | {
    "uuid", "command", "tcp", "ping", "arguments", "vfio_pci", "code", "reason", "until", "vm",
}  # fmt: skip


class Failed:
    """Stands for an attribute that could not be read, where None is a value."""


FAILED = Failed()


def is_null(node: Node) -> bool:
    """Whether a key has no value."""
    return isinstance(node, Scalar) and node.kind == "null"


class NodeReader:
    """Nodes to values; every method adds to `problems` what it leaves out of its result."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def mapping(
        self, node: Node, where: str, known: tuple[str, ...], *, vm: str | None = None
    ) -> Mapping | None:
        """The node as a mapping whose keys are all known; unknown ones are reported."""
        if not self.is_mapping(node, where, " and ".join(known), vm=vm):
            return None
        assert isinstance(node, Mapping)
        for key, _ in node.entries.values():
            if key.text not in known:
                self.problems.add_unknown(key.text, line=key.line, known=known, where=where, vm=vm)
        return node

    def is_mapping(self, node: Node, where: str, content: str, *, vm: str | None = None) -> bool:
        """Whether the node is a mapping; it is reported when it is not."""
        if isinstance(node, Mapping):
            return True
        if not isinstance(node, Refused):
            self.problems.add(
                codes.BAD_VALUE,
                node.line,
                summary=f"{where}: a mapping with {content} is expected",
                remedy="write `key: value`, one on each line and indented",
                vm=vm,
            )
        return False

    def report_missing(self, node: Mapping, where: str, attribute: str, vm: str | None) -> None:
        """Note that a mapping lacks a key it must have."""
        self.problems.add(
            codes.MISSING_ATTRIBUTE,
            node.line,
            summary=f"{where} has no {attribute}",
            remedy=f"add `{attribute}:`",
            vm=vm,
        )

    def convert(
        self,
        node: Node,
        parse: Callable[[str], Any],
        attribute: str,
        label: str,
        *,
        failed: Any = None,
    ) -> Any:
        """The value of a scalar, or `failed` when it is none and was reported."""
        if isinstance(node, Refused):
            return failed
        try:
            return parse(_text_for(attribute, node))
        except BadValue as error:
            shown = f" {quote(node.text)}" if isinstance(node, Scalar) else ""
            self.problems.add(
                error.code,
                node.line,
                summary=f"{label_of(label)}: {attribute}{shown}: {error.expected}",
                remedy=error.remedy,
                vm=None if label.startswith("host") or label == "allow" else label,
            )
            return failed

    def policy(
        self, node: Node, where: str, attributes: dict[str, Callable[[str], Any]]
    ) -> dict[str, Any] | None:
        """What a part of the host's policy is made from: its values, and `sources`. Attributes that could
        not be read are left out, as unmanaged; None: it is no mapping.
        """
        found = self.mapping(node, where, tuple(attributes))
        if found is None:
            return None
        values: dict[str, Any] = {}
        sources = {"": self.problems.source(node.line)}
        for attribute, (key, value) in found.entries.items():
            sources[attribute] = self.problems.source(key.line)
            if attribute in attributes:
                converted = self.convert(
                    value, attributes[attribute], attribute, where, failed=FAILED
                )
                if converted is not FAILED:
                    values[attribute] = converted
        return {**values, "sources": sources}


def _text_for(attribute: str, node: Node) -> str:
    """The text of a value, if YAML's type for it is one that the attribute takes."""
    if isinstance(node, Sequence):
        items = ",".join(item.text for item in node.items if isinstance(item, Scalar))
        example = f"write {quote(items)}" if items else "write one value"
        raise BadValue("one value is expected, not a list", example)
    if not isinstance(node, Scalar):
        raise BadValue("one value is expected, not a mapping", "write one value")
    kind = node.kind
    if kind == "null":
        raise BadValue(
            "there is no value", 'remove the line for the default, or write a value ("" is empty)'
        )
    if attribute == "until" and kind == "date":
        return node.text
    if kind != "str" and (attribute in _TEXTS or (attribute == "irq" and kind != "int")):
        raise BadValue(f"YAML reads this as {kind}, a text is expected", "put it in quotes")
    if attribute in _NUMBERS and kind == "str" and node.text.isdigit():
        raise BadValue("a number is expected, not a text", "remove the quotes")
    if attribute in _NUMBERS and len(node.text) > 1 and node.text.startswith("0"):
        raise BadValue("a leading zero means octal to some readers", "remove the leading zeros")
    if attribute == "irq" and kind == "str" and node.text.isdigit():
        raise BadValue("an interrupt's number stands without quotes", "remove the quotes")
    return node.text

# SPDX-License-Identifier: Apache-2.0
"""YAML to the desired state: the host's policy, and virtual machines by name.

The attributes are those of INI with the same defaults, and further ones that stay unmanaged when they
are not set. A value is taken only where every reader of YAML 1.2 sees the same: a text that looks
like a number needs quotes, a number must not have them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.attribute import (
    ATTRIBUTES,
    HOST_ATTRIBUTES,
    SCHEDULER_ATTRIBUTES,
    TEXT_ATTRIBUTES,
    BadValue,
    parse_irq,
    parse_name,
    parse_some_cpus,
    parse_uuid,
)
from kvmrt_plan.desired.ini import label_of
from kvmrt_plan.desired.model import (
    Configuration,
    HostPolicy,
    IrqAssignment,
    VcpuScheduler,
    VirtualMachine,
)
from kvmrt_plan.desired.problems import quote
from kvmrt_plan.desired.yaml_nodes import Mapping, Refused, Scalar, Sequence, compose_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.desired.problems import Problems
    from kvmrt_plan.desired.yaml_nodes import Node

FORMAT_VERSION = 1

_NUMBERS = frozenset({"nr_vcpus", "iothreads", "priority"})
_TEXTS = TEXT_ATTRIBUTES | {"uuid"}
#: Null is another way to leave these out: their default is "unmanaged".
_UNMANAGED = frozenset({"vcpu_scheduler", "hugepages", "iothreads"})
_ROOT_KEYS = ("version", "host", "vms")
_HOST_KEYS = (*HOST_ATTRIBUTES, "irqs")
_VM_KEYS = ("uuid", *(name for name in ATTRIBUTES if name != "name"))
_IRQ_KEYS = ("irq", "cpus")


def read_yaml(text: str, problems: Problems) -> Configuration:
    """What could be read of a text; what could not is added to `problems`."""
    reader = _Reader(problems)
    root = compose_yaml(text, problems)
    if root is None or _is_null(root):
        if not problems:
            reader.report_empty(None)
        return Configuration(file=problems.file)
    return reader.read_root(root)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "null"


class _Reader:
    """Nodes to values; every method adds to `problems` what it leaves out of its result."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def report_empty(self, line: int | None) -> None:
        self.problems.add(
            codes.EMPTY_FILE,
            line,
            summary="the file has neither VMs nor a host part",
            remedy="write `vms:`, below it each VM's name, and below that its uuid",
        )

    def read_root(self, root: Node) -> Configuration:
        found = self._mapping(root, "the file", _ROOT_KEYS)
        if found is None:
            return Configuration(file=self.problems.file)
        self._check_version(found.get("version"))
        host = found.get("host")
        vms = found.get("vms")
        if (host is None or _is_null(host)) and (
            vms is None or _is_null(vms) or (isinstance(vms, Mapping) and not vms.entries)
        ):
            # A mapping that lost its entries to other problems is not empty.
            if not self.problems:
                self.report_empty(root.line)
            return Configuration(file=self.problems.file)
        return Configuration(
            host=HostPolicy() if host is None or _is_null(host) else self._read_host(host),
            vms=() if vms is None or _is_null(vms) else self._read_vms(vms),
            file=self.problems.file,
        )

    def _check_version(self, node: Node | None) -> None:
        if node is None or isinstance(node, Refused):
            return
        if not (isinstance(node, Scalar) and node.kind == "int" and node.text == "1"):
            shown = quote(node.text) if isinstance(node, Scalar) else "a collection"
            self.problems.add(
                codes.BAD_VALUE,
                node.line,
                summary=f"version {shown}: this kvmrt reads version {FORMAT_VERSION}",
                remedy=f"write `version: {FORMAT_VERSION}`, or use the kvmrt that wrote the file",
            )

    def _read_vms(self, node: Node) -> tuple[VirtualMachine, ...]:
        if not self._is_mapping(node, "vms", "VMs by name"):
            return ()
        assert isinstance(node, Mapping)
        vms = [self._read_vm(key, body) for key, body in node.entries.values()]
        return tuple(vm for vm in vms if vm is not None)

    def _read_vm(self, key: Scalar, body: Node) -> VirtualMachine | None:
        label = key.text
        values: dict[str, Any] = {}
        name = self._convert(key, parse_name, "name", label)
        sources = {"": self.problems.source(key.line), "name": self.problems.source(key.line)}
        found = self._vm_mapping(body, label)
        if found is None:
            return None
        for attribute, (attribute_key, node) in found.entries.items():
            if attribute not in _VM_KEYS:
                self._report_unknown(attribute_key, label)
                continue
            sources[attribute] = self.problems.source(attribute_key.line)
            if not (attribute in _UNMANAGED and _is_null(node)):
                values[attribute] = self._read_attribute(attribute, node, label)
        if "uuid" not in sources:
            self.problems.add(
                codes.MISSING_ATTRIBUTE,
                key.line,
                summary=f"{label_of(label)} has no uuid",
                remedy="add `uuid:` with what `virsh domuuid NAME` prints",
                vm=label,
            )
        if name is None or values.get("uuid") is None or _FAILED in values.values():
            return None
        return VirtualMachine(name=name, **values, sources=sources)

    def _vm_mapping(self, body: Node, label: str) -> Mapping | None:
        if _is_null(body):
            self.problems.add(
                codes.MISSING_ATTRIBUTE,
                body.line,
                summary=f"{label_of(label)} has no uuid",
                remedy="add `uuid:` below the name, with what `virsh domuuid NAME` prints",
                vm=label,
            )
            return None
        if not self._is_mapping(body, label_of(label), "attributes", vm=label):
            return None
        assert isinstance(body, Mapping)
        return body

    def _report_unknown(self, key: Scalar, label: str) -> None:
        if key.text == "name":
            self.problems.add(
                codes.UNKNOWN_ATTRIBUTE,
                key.line,
                summary=f"{label_of(label)}: unknown attribute 'name'",
                remedy="a VM's name is its key under vms: rename the key, and remove this line",
                vm=label,
            )
            return
        self.problems.add_unknown(
            key.text, line=key.line, known=_VM_KEYS, where=label_of(label), vm=label
        )

    def _read_attribute(self, attribute: str, node: Node, label: str) -> Any:
        if attribute == "vcpu_scheduler":
            return self._read_scheduler(node, label)
        parse = parse_uuid if attribute == "uuid" else ATTRIBUTES[attribute]
        return self._convert(node, parse, attribute, label, failed=_FAILED)

    def _read_scheduler(self, node: Node, label: str) -> Any:
        where = f"{label_of(label)}: vcpu_scheduler"
        found = self._mapping(node, where, tuple(SCHEDULER_ATTRIBUTES), vm=label)
        if found is None:
            return _FAILED
        values: dict[str, Any] = {}
        for attribute, parse in SCHEDULER_ATTRIBUTES.items():
            value = found.get(attribute)
            if value is None:
                self._report_missing(found, where, attribute, label)
            else:
                values[attribute] = self._convert(value, parse, attribute, label)
        complete = None not in values.values() and len(values) == len(SCHEDULER_ATTRIBUTES)
        return VcpuScheduler(**values) if complete else _FAILED

    def _read_host(self, node: Node) -> HostPolicy:
        found = self._mapping(node, "host", _HOST_KEYS)
        if found is None:
            return HostPolicy()
        values: dict[str, Any] = {}
        sources = {"": self.problems.source(node.line)}
        for attribute, (key, value) in found.entries.items():
            sources[attribute] = self.problems.source(key.line)
            if attribute == "irqs":
                values["irqs"] = self._read_irqs(value)
            elif attribute in HOST_ATTRIBUTES:
                parse = HOST_ATTRIBUTES[attribute]
                converted = self._convert(value, parse, attribute, "host", failed=_FAILED)
                if converted is not _FAILED:
                    values[attribute] = converted
        return HostPolicy(**values, sources=sources)

    def _read_irqs(self, node: Node) -> tuple[IrqAssignment, ...]:
        if not isinstance(node, Sequence):
            if not isinstance(node, Refused):
                self.problems.add(
                    codes.BAD_VALUE,
                    node.line,
                    summary="host: irqs: a list is expected",
                    remedy='write one line for each, as `- {irq: enp4s0f0, cpus: "0-3"}`',
                )
            return ()
        read = [self._read_irq(item) for item in node.items]
        assignments = tuple(one for one in read if one is not None)
        first_lines: dict[int | str, int] = {}
        for one in assignments:
            line = (one.source and one.source.line) or node.line
            if one.irq in first_lines:
                what = f"host: irqs: {quote(str(one.irq))}"
                self.problems.add_duplicate(what, line=line, first_line=first_lines[one.irq])
            first_lines.setdefault(one.irq, line)
        return assignments

    def _read_irq(self, node: Node) -> IrqAssignment | None:
        found = self._mapping(node, "host: irqs", _IRQ_KEYS)
        if found is None:
            return None
        values: dict[str, Any] = {}
        for attribute, parse in (("irq", parse_irq), ("cpus", parse_some_cpus)):
            value = found.get(attribute)
            if value is None:
                self._report_missing(found, "host: irqs", attribute, None)
            else:
                values[attribute] = self._convert(value, parse, attribute, "host: irqs")
        if len(values) < 2 or None in values.values():
            return None
        return IrqAssignment(**values, source=self.problems.source(node.line))

    def _mapping(
        self, node: Node, where: str, known: tuple[str, ...], *, vm: str | None = None
    ) -> Mapping | None:
        """The node as a mapping whose keys are all known; unknown ones are reported."""
        if not self._is_mapping(node, where, " and ".join(known), vm=vm):
            return None
        assert isinstance(node, Mapping)
        for key, _ in node.entries.values():
            if key.text not in known:
                self.problems.add_unknown(key.text, line=key.line, known=known, where=where, vm=vm)
        return node

    def _is_mapping(self, node: Node, where: str, content: str, *, vm: str | None = None) -> bool:
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

    def _report_missing(self, node: Mapping, where: str, attribute: str, vm: str | None) -> None:
        self.problems.add(
            codes.MISSING_ATTRIBUTE,
            node.line,
            summary=f"{where} has no {attribute}",
            remedy=f"add `{attribute}:`",
            vm=vm,
        )

    def _convert(
        self,
        node: Node,
        parse: Callable[[str], Any],
        attribute: str,
        label: str,
        *,
        failed: Any = None,
    ) -> Any:
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
                vm=None if label.startswith("host") else label,
            )
            return failed


class _Failed:
    """Stands for an attribute that could not be read, where None is a value."""


_FAILED = _Failed()


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
    if attribute in _TEXTS and kind != "str":
        raise BadValue(f"YAML reads this as {kind}, a text is expected", "put it in quotes")
    if attribute in _NUMBERS and kind == "str" and node.text.isdigit():
        raise BadValue("a number is expected, not a text", "remove the quotes")
    if attribute in _NUMBERS and len(node.text) > 1 and node.text.startswith("0"):
        raise BadValue("a leading zero means octal to some readers", "remove the leading zeros")
    if attribute == "irq" and kind == "str" and node.text.isdigit():
        raise BadValue("an interrupt's number stands without quotes", "remove the quotes")
    return node.text

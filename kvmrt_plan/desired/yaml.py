# SPDX-License-Identifier: Apache-2.0
"""YAML to the desired state: the host's policy, and virtual machines by name.

The attributes are those of INI with the same defaults, and further ones that stay unmanaged when they
are not set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.attribute import (
    ATTRIBUTES,
    SCHEDULER_ATTRIBUTES,
    parse_name,
    parse_uuid,
)
from kvmrt_plan.desired.guest import MACHINE_ATTRIBUTES
from kvmrt_plan.desired.model import Configuration, HostPolicy, VirtualMachine
from kvmrt_plan.desired.problems import label_of, quote
from kvmrt_plan.desired.thread_scheduler import SCHEDULED, ThreadScheduler
from kvmrt_plan.desired.yaml_host import HostReader
from kvmrt_plan.desired.yaml_nodes import compose_yaml
from kvmrt_plan.desired.yaml_tree import Mapping, Node, Refused, Scalar
from kvmrt_plan.desired.yaml_values import FAILED, NodeReader, is_null

if TYPE_CHECKING:
    from kvmrt_plan.desired.allowance import Allowance
    from kvmrt_plan.desired.problems import Problems

FORMAT_VERSION = 1

#: Null is another way to leave these out: their default is "unmanaged".
_UNMANAGED = frozenset({*SCHEDULED, "hugepages", "iothreads", "guest_clock", *MACHINE_ATTRIBUTES})
_ROOT_KEYS = ("version", "host", "vms", "allow")
_VM_KEYS = ("uuid", *(name for name in ATTRIBUTES if name != "name"))


def read_yaml(text: str, problems: Problems) -> Configuration:
    """What could be read of a text; what could not is added to `problems`."""
    reader = _Reader(problems)
    root = compose_yaml(text, problems)
    if root is None or is_null(root):
        if not problems:
            reader.report_empty(None)
        return Configuration(file=problems.file)
    return reader.read_root(root)


class _Reader(NodeReader):
    """The whole document; what is left out of a result was added to `problems`."""

    def report_empty(self, line: int | None) -> None:
        self.problems.add(
            codes.EMPTY_FILE,
            line,
            summary="the file has neither VMs nor a host part",
            remedy="write `vms:`, below it each VM's name, and below that its uuid",
        )

    def read_root(self, root: Node) -> Configuration:
        found = self.mapping(root, "the file", _ROOT_KEYS)
        if found is None:
            return Configuration(file=self.problems.file)
        self._check_version(found.get("version"))
        host = found.get("host")
        vms = found.get("vms")
        if (host is None or is_null(host)) and (
            vms is None or is_null(vms) or (isinstance(vms, Mapping) and not vms.entries)
        ):
            # A mapping that lost its entries to other problems is not empty.
            if not self.problems:
                self.report_empty(root.line)
            return Configuration(file=self.problems.file)
        return Configuration(
            host=HostPolicy()
            if host is None or is_null(host)
            else HostReader(self.problems).read_host(host),
            vms=() if vms is None or is_null(vms) else self._read_vms(vms),
            allow=self._read_allowances(found.get("allow")),
            file=self.problems.file,
        )

    def _read_allowances(self, node: Node | None) -> tuple[Allowance, ...]:
        if node is None or is_null(node):
            return ()
        # Few files have any: the others do not load it.
        from kvmrt_plan.desired.yaml_allow import AllowReader

        return AllowReader(self.problems).read_allowances(node)

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
        if not self.is_mapping(node, "vms", "VMs by name"):
            return ()
        assert isinstance(node, Mapping)
        vms = [self._read_vm(key, body) for key, body in node.entries.values()]
        return tuple(vm for vm in vms if vm is not None)

    def _read_vm(self, key: Scalar, body: Node) -> VirtualMachine | None:
        label = key.text
        values: dict[str, Any] = {}
        name = self.convert(key, parse_name, "name", label)
        sources = {"": self.problems.source(key.line), "name": self.problems.source(key.line)}
        found = self._vm_mapping(body, label)
        if found is None:
            return None
        for attribute, (attribute_key, node) in found.entries.items():
            if attribute not in _VM_KEYS:
                self._report_unknown(attribute_key, label)
                continue
            sources[attribute] = self.problems.source(attribute_key.line)
            if not (attribute in _UNMANAGED and is_null(node)):
                values[attribute] = self._read_attribute(attribute, node, label)
        if "uuid" not in sources:
            self.problems.add(
                codes.MISSING_ATTRIBUTE,
                key.line,
                summary=f"{label_of(label)} has no uuid",
                remedy="add `uuid:` with what `virsh domuuid NAME` prints",
                vm=label,
            )
        if name is None or values.get("uuid") is None or FAILED in values.values():
            return None
        return VirtualMachine(name=name, **values, sources=sources)

    def _vm_mapping(self, body: Node, label: str) -> Mapping | None:
        if is_null(body):
            self.problems.add(
                codes.MISSING_ATTRIBUTE,
                body.line,
                summary=f"{label_of(label)} has no uuid",
                remedy="add `uuid:` below the name, with what `virsh domuuid NAME` prints",
                vm=label,
            )
            return None
        if not self.is_mapping(body, label_of(label), "attributes", vm=label):
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
        if attribute in SCHEDULED:
            return self._read_scheduler(attribute, node, label)
        parse = parse_uuid if attribute == "uuid" else ATTRIBUTES[attribute]
        return self.convert(node, parse, attribute, label, failed=FAILED)

    def _read_scheduler(self, scheduled: str, node: Node, label: str) -> Any:
        where = f"{label_of(label)}: {scheduled}"
        found = self.mapping(node, where, tuple(SCHEDULER_ATTRIBUTES), vm=label)
        if found is None:
            return FAILED
        values: dict[str, Any] = {}
        for attribute, parse in SCHEDULER_ATTRIBUTES.items():
            value = found.get(attribute)
            if value is None:
                self.report_missing(found, where, attribute, label)
            else:
                values[attribute] = self.convert(value, parse, attribute, label)
        complete = None not in values.values() and len(values) == len(SCHEDULER_ATTRIBUTES)
        return ThreadScheduler(**values) if complete else FAILED

# SPDX-License-Identifier: Apache-2.0
"""The host part of a YAML configuration: housekeeping CPUs, shield, assigned interrupts, probes."""

from __future__ import annotations

from typing import Any

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.attribute import HOST_ATTRIBUTES, parse_some_cpus
from kvmrt_plan.desired.irq_attribute import parse_irq
from kvmrt_plan.desired.kthread_attributes import KthreadReader
from kvmrt_plan.desired.kvm_attributes import KvmReader
from kvmrt_plan.desired.model import HostPolicy, IrqAssignment
from kvmrt_plan.desired.problems import quote
from kvmrt_plan.desired.yaml_boot import BootReader
from kvmrt_plan.desired.yaml_probes import ProbeReader
from kvmrt_plan.desired.yaml_tree import Node, Refused, Sequence
from kvmrt_plan.desired.yaml_values import FAILED, NodeReader

_HOST_KEYS = (*HOST_ATTRIBUTES, "irqs", "probes", "kernel_threads", "kvm", "boot")
_IRQ_KEYS = ("irq", "cpus")


class HostReader(NodeReader):
    """The host part to its values."""

    def read_host(self, node: Node) -> HostPolicy:
        """The policy; attributes that could not be read have their defaults."""
        found = self.mapping(node, "host", _HOST_KEYS)
        if found is None:
            return HostPolicy()
        values: dict[str, Any] = {}
        sources = {"": self.problems.source(node.line)}
        for attribute, (key, value) in found.entries.items():
            sources[attribute] = self.problems.source(key.line)
            if attribute == "irqs":
                values["irqs"] = self._read_irqs(value)
            elif attribute == "probes":
                values["probes"] = ProbeReader(self.problems).read_probes(value)
            elif attribute == "kvm":
                values["kvm"] = KvmReader(self.problems).read_kvm(value)
            elif attribute == "kernel_threads":
                values["kernel_threads"] = KthreadReader(self.problems).read_kthreads(value)
            elif attribute == "boot":
                values["boot"] = BootReader(self.problems).read_boot(value)
            elif attribute in HOST_ATTRIBUTES:
                parse = HOST_ATTRIBUTES[attribute]
                converted = self.convert(value, parse, attribute, "host", failed=FAILED)
                if converted is not FAILED:
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
        found = self.mapping(node, "host: irqs", _IRQ_KEYS)
        if found is None:
            return None
        values: dict[str, Any] = {}
        for attribute, parse in (("irq", parse_irq), ("cpus", parse_some_cpus)):
            value = found.get(attribute)
            if value is None:
                self.report_missing(found, "host: irqs", attribute, None)
            else:
                values[attribute] = self.convert(value, parse, attribute, "host: irqs")
        if len(values) < 2 or None in values.values():
            return None
        return IrqAssignment(**values, source=self.problems.source(node.line))

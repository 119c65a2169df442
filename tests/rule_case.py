# SPDX-License-Identifier: Apache-2.0
"""How a case of a rule is written; the cases stand in `rule_cases_*.py`.

Attribute `cpuset` of VM n stands in line 100 * n + 1, `rt` in + 2, `rt_memory` in + 3, `numatune` in
+ 4, `nr_vcpus` in + 5, `name` in + 6, `uuid` in + 7 and all others, as the VM itself, in 100 * n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from facts_builders import (
    cpus,
    make_configuration,
    make_domain,
    make_host,
    make_vm,
)

from kvmrt_plan.desired.model import (
    IrqAssignment,
)
from kvmrt_plan.diagnostics import Source

if TYPE_CHECKING:
    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.facts.host import HostFacts

ERROR, WARNING, ADVICE = "error", "warning", "advice"


@dataclass(frozen=True)
class Case:
    """What is asked for on which host (None: without one), and what is found of one code."""

    name: str
    code: str
    configuration: Configuration
    host: HostFacts | None
    #: Severity, VM, line and summary of each finding with the code.
    expected: tuple[tuple[str, str | None, int | None, str], ...]


CASES: list[Case] = []


def case(name: str, configuration: Configuration, host: HostFacts | None, *expected: Any) -> None:
    """Adds a case; its code is the first word of the name."""
    CASES.append(Case(name, name[:5], configuration, host, expected))


def host(**values: Any) -> HostFacts:
    """Two sockets of four cores with two threads: CPUs 0-7 and their siblings 8-15, nodes 0 and 1.

    libvirt has the domains vm1 to vm9 unless `domains` says otherwise.
    """
    shape = {"sockets": 2, "cores": 4, "threads": 2, "nodes": 2}
    values.setdefault("domains", [make_domain(number, f"vm{number}") for number in range(1, 10)])
    return make_host(**{**shape, **values})


def rt(number: int, cpuset: str, **values: Any) -> Any:
    """An RT VM that is named after its number."""
    return make_vm(number, f"vm{number}", cpuset, rt=True, **values)


def vm(number: int, cpuset: str = "", **values: Any) -> Any:
    """A VM that is not RT."""
    return make_vm(number, f"vm{number}", cpuset, **values)


def of(*vms: Any, **values: Any) -> Configuration:
    """The configuration."""
    return make_configuration(*vms, **values)


def irqs(irq: int | str, cpulist: str) -> dict[str, Any]:
    """The host part with one assignment, in line 3."""
    assigned = IrqAssignment(irq=irq, cpus=cpus(cpulist), source=Source("kvmrt.yaml", 3))
    return {"irqs": (assigned,)}

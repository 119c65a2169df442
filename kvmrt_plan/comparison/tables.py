# SPDX-License-Identifier: Apache-2.0
"""The facts of a host as tables that people name things by: interrupts by action, boot arguments by token.

Leaves are texts and CPU sets. What changes from one minute to the next and is set by nobody (free memory, the
CPU a thread ran on last) is left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, TypeAlias

from kvmrt_plan.comparison.domain import domain_table
from kvmrt_plan.facts.workqueue import WORKQUEUE_FOLDER
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.facts.host import HostFacts

#: A table's rows, by name; a row is a leaf or a table.
Rows: TypeAlias = "dict[str, object]"


def host_tables(facts: HostFacts) -> dict[str, Rows]:
    """All tables, in the order in which they are shown.

    Raises:
        DomainXmlError: a domain's XML cannot be read.
    """
    return {
        "host": _host(facts),
        "boot arguments": _boot_arguments(facts.kernel.command_line),
        "cpus": _cpus(facts),
        "interrupts": _interrupts(facts),
        "units": _units(facts),
        "settings": _settings(facts),
        "huge pages": _huge_pages(facts),
        "services": _services(facts),
        "held": {
            address: f"{one.original} (written: {one.written})"
            for address, one in facts.held.items()
        },
        "domains": {str(uuid): domain_table(one) for uuid, one in facts.domains.items()},
        "unreadable": dict(facts.unreadable),
    }


def _said(rows: dict[str, object]) -> Rows:
    """Without what is not known."""
    return {name: value for name, value in rows.items() if value is not None and value != ""}


def _host(facts: HostFacts) -> Rows:
    kernel = facts.kernel
    return _said(
        {
            "name": facts.name,
            "kernel": kernel.release,
            "kernel version": kernel.version,
            "real-time kernel": "yes" if kernel.is_realtime else "no",
            "boot": kernel.boot_id,
            "libvirt": facts.libvirt_uri,
            "libvirt problem": facts.libvirt_problem,
        }
    )


def _boot_arguments(line: str) -> Rows:
    """By name; of one that stands there several times (hugepagesz) all values in their order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for word in line.split():
        name, equals, value = word.partition("=")
        found[name].append(value if equals else "set")
    return {name: " ".join(values) for name, values in found.items()}


def _cpus(facts: HostFacts) -> Rows:
    cpus = facts.cpus
    cores = {cpus.siblings_of(cpu) for cpu in cpus.cpus}
    found: dict[str, object] = {
        "present": cpus.present,
        "online": cpus.online,
        "isolated": facts.kernel.isolated,
        "nohz_full": facts.kernel.nohz_full,
        "single threads": CpuSet(cpu for core in cores if len(core) == 1 for cpu in core),
    }
    for number, node in cpus.nodes.items():
        found[f"node {number}"] = node.cpus
        if node.memory_kib is not None:
            found[f"node {number} memory"] = f"{node.memory_kib // 1024} MiB"
    return found


def _interrupts(facts: HostFacts) -> Rows:
    names = Counter(irq.actions for irq in facts.irqs.values())
    found: dict[str, object] = {}
    if facts.default_irq_affinity is not None:
        found["default"] = {"affinity": facts.default_irq_affinity}
    for number, irq in facts.irqs.items():
        name = ", ".join(irq.actions)
        # The number is the kernel's, and another one after each boot.
        key = name if name and names[irq.actions] == 1 else f"irq {number} {name}".rstrip()
        found[key] = _said(
            {
                "number": str(number),
                "affinity": irq.affinity,
                "effective": irq.effective,
                "chip": irq.chip,
                "device": irq.device,
                "managed": "yes" if irq.is_managed else None,
            }
        )
    return found


def _units(facts: HostFacts) -> Rows:
    found: dict[str, object] = {"cgroups": str(facts.slices.mode)}
    for one in facts.slices.slices:
        found[one.name] = _said(
            {"allowed": one.allowed, "effective": one.effective, "partition": one.partition}
        )
    if facts.slices.shield is not None:
        shield = facts.slices.shield
        found["shield"] = {
            "procs": shield.processes, "irqs": shield.irqs, "ltmrs": shield.local_timers,
        }  # fmt: skip
    return found


def _settings(facts: HostFacts) -> Rows:
    """Settings of the host by address; those of single CPUs by value, with the CPUs that have it."""
    found: dict[str, object] = {}
    for address, word in facts.knobs.items():
        _, _, rest = address.partition("power/")
        name, _, number = rest.partition("/")
        if not number:
            found[address] = word
            continue
        key = f"{name} {word}"
        known = found.get(key, CpuSet())
        found[key] = (known if isinstance(known, CpuSet) else CpuSet()) | CpuSet((int(number),))
    for path, cpus in facts.workqueue.masks:
        found[f"workqueue {path.removeprefix(WORKQUEUE_FOLDER).lstrip('/')}"] = cpus
    return found


def _huge_pages(facts: HostFacts) -> Rows:
    return {
        f"{pool.size_kib} kB" + ("" if pool.node is None else f" on node {pool.node}"): (
            f"{pool.total} pages"
        )
        for pool in facts.hugepages
    }


def _services(facts: HostFacts) -> Rows:
    irqbalance = facts.services.irqbalance
    return _said(
        {
            "irqbalance": "running" if irqbalance.is_running else "not running",
            "irqbalance leaves alone": irqbalance.banned,
            "tuned profile": facts.services.tuned_profile,
        }
    )

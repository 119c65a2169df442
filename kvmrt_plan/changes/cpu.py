# SPDX-License-Identifier: Apache-2.0
"""SMT siblings of the CPUs that RT VMs use go offline.

Interface: /sys/devices/system/cpu/cpuN/online, see Documentation/core-api/cpu_hotplug.rst. A CPU that is
already offline is right; why it is offline is not this module's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Considered, Disturbance, Kind, NoChange

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.changes.reasons import CpuReasons
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement
    from kvmrt_plan.values.cpuset import CpuSet


def cpu_changes(
    facts: HostFacts, placement: Placement, reasons: CpuReasons, *, leaving: Sequence[Considered]
) -> Iterator[Considered]:
    """One change per sibling.

    Args:
        facts: the host.
        placement: which siblings go.
        reasons: whose siblings they are.
        leaving: changes of others; those that take something away from a sibling come first.
    """
    movers = _movers(facts, leaving)
    for cpu in placement.offlined:
        address = f"cpu/{cpu}"
        if cpu not in facts.cpus.online:
            yield NoChange(
                kind=Kind.CPU_ONLINE, address=address, value="offline", reason=reasons.sibling(cpu)
            )
            continue
        yield Change(
            kind=Kind.CPU_ONLINE,
            address=address,
            before="online",
            after="offline",
            disturbance=Disturbance.ALL_CPUS,
            reason=reasons.sibling(cpu),
            requires=tuple(move for where, move in movers if cpu in where),
        )


def _movers(facts: HostFacts, leaving: Sequence[Considered]) -> list[tuple[CpuSet, str]]:
    """Interrupts that fire on one CPU now, with the change that moves them.

    The kernel would move them by itself, but to any CPU: the sole target of an interrupt that goes
    offline opens it to all CPUs, those of RT VMs included.
    """
    found = []
    for change in leaving:
        if isinstance(change, Change) and change.kind is Kind.IRQ_AFFINITY:
            irq = facts.irqs[int(change.address.rpartition("/")[2])]
            if irq.effective:
                found.append((irq.effective, change.address))
    return found

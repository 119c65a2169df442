# SPDX-License-Identifier: Apache-2.0
"""RedHawk's shield service on a simulated host: a restart assigns the interrupts of its file, as far as they
can be moved (KVM-RT guide, "Managed interrupts"). It is written once for every interrupt that lies elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.irq import parse_irqs
from kvmrt_plan.facts.shield_file import SHIELD_FILE, entries

if TYPE_CHECKING:
    from kvmrt_plan.hosts.simulated.kernel import Kernel
    from kvmrt_plan.hosts.simulated.texts import Texts

_NAME = "shield.service"


def restart_service(texts: Texts, kernel: Kernel, unit: str) -> None:
    """As `systemctl restart UNIT`.

    Raises:
        WriteRefusedError: there is no such unit.
    """
    if unit != _NAME or "/proc/shield/irqs" not in texts.files:
        raise WriteRefusedError(unit, f"Failed to restart {unit}: Unit {unit} not found.")
    irqs = parse_irqs(texts.snapshot())
    wanted = {}
    for name, cpus in entries(texts.files.get(SHIELD_FILE, "")):
        key = int(name) if name.isdecimal() else name
        wanted.update({one.number: cpus for one in irqs.values() if one.matches(key)})
    for number, cpus in wanted.items():
        irq = irqs[number]
        if irq.is_movable and not irq.is_managed and irq.affinity != cpus:
            kernel.write(f"/proc/irq/{number}/smp_affinity_list", str(cpus))

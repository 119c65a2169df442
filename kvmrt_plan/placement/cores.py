# SPDX-License-Identifier: Apache-2.0
"""Which logical CPUs make up a core.

The kernel tells the siblings of online CPUs only; what was recorded while all were online is added.
The result is symmetric and transitive even when the two sources know different halves of a core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.values.cpuset import CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.facts.cpu import CpuTopology


def cores_of(topology: CpuTopology) -> Mapping[int, CpuSet]:
    """The core of every CPU that is known, as the set of its hardware threads, itself included."""
    cores: dict[int, CpuSet] = {}
    for cpu in topology.present | CpuSet(topology.recorded_siblings):
        threads = topology.siblings_of(cpu)
        core = union([threads, *(cores[one] for one in threads if one in cores)])
        if cores.get(cpu) != core:
            cores.update(dict.fromkeys(core, core))
    return cores

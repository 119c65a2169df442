# SPDX-License-Identifier: Apache-2.0
"""systemd's side of a simulated host: AllowedCPUs= of top-level units.

What a unit's tasks may use is what it asks for, as far as that is online; when nothing of it is, they
run on what the root has (cgroup-v2.rst, cpuset.cpus.effective).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError

if TYPE_CHECKING:
    from kvmrt_plan.hosts.simulated.texts import Texts
    from kvmrt_plan.values.cpuset import CpuSet

_CGROUPS = "/sys/fs/cgroup"


def set_allowed_cpus(texts: Texts, unit: str, cpus: CpuSet, online: CpuSet) -> None:
    """As `systemctl set-property --runtime UNIT AllowedCPUs=...`.

    Raises:
        WriteRefusedError: there is no such unit, or no cpuset controller.
    """
    path = f"{_CGROUPS}/{unit}/cpuset.cpus"
    if path not in texts.files:
        raise WriteRefusedError(unit, "Failed to set unit properties: Unit not found.")
    texts.change(files={path: f"{cpus}\n", f"{path}.effective": f"{cpus & online or online}\n"})

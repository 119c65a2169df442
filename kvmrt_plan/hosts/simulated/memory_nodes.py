# SPDX-License-Identifier: Apache-2.0
"""AllowedMemoryNodes= on a simulated host.

As the kernel has it (kernel/cgroup/cpuset.c): nodes without memory are refused with EINVAL, which systemd
notes in its log and reports as success; what a unit's memory may come from is what it asks for. Clearing it
does not free a unit in which tasks are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.slices import CGROUP_FOLDER
from kvmrt_plan.hosts.simulated.units import new_files
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.hosts.simulated.texts import Texts

_ROOT = f"{CGROUP_FOLDER}/cpuset.mems.effective"


def set_allowed_nodes(texts: Texts, unit: str, nodes: CpuSet, online: CpuSet) -> None:
    """As `systemctl set-property --runtime UNIT AllowedMemoryNodes=...`.

    Raises:
        WriteRefusedError: there is no such unit, or no cpuset controller.
    """
    path = f"{CGROUP_FOLDER}/{unit}/cpuset.mems"
    files = {} if path in texts.files else dict(new_files(texts, online))
    if path not in texts.files and path not in files:
        raise WriteRefusedError(unit, "Failed to set unit properties: Unit not found.")
    if nodes and nodes <= CpuSet.parse_kernel(texts.files.get(_ROOT, "")):
        files[path] = f"{nodes}\n"
        files[f"{path}.effective"] = f"{nodes}\n"
    texts.change(files=files)

# SPDX-License-Identifier: Apache-2.0
"""systemd's side of a simulated host: AllowedCPUs= of top-level units.

What a unit's tasks may use is what it asks for, as far as that is online; when nothing of it is, they
run on what the root has (cgroup-v2.rst, cpuset.cpus.effective). The first unit that is given CPUs makes
systemd switch the cpuset controller on in the root, and with that every top-level cgroup gets its files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.hosts.simulated.texts import Texts

_CGROUPS = "/sys/fs/cgroup"
_SWITCH = f"{_CGROUPS}/cgroup.subtree_control"


def set_allowed_cpus(texts: Texts, unit: str, cpus: CpuSet, online: CpuSet) -> None:
    """As `systemctl set-property --runtime UNIT AllowedCPUs=...`.

    Raises:
        WriteRefusedError: there is no such unit, or no cpuset controller.
    """
    path = f"{_CGROUPS}/{unit}/cpuset.cpus"
    files = {} if path in texts.files else dict(_new_files(texts, online))
    if path not in texts.files and path not in files:
        raise WriteRefusedError(unit, "Failed to set unit properties: Unit not found.")
    files |= {path: f"{cpus}\n", f"{path}.effective": f"{cpus & online or online}\n"}
    texts.change(files={**files})


def effective_cpus(texts: Texts, online: CpuSet) -> Iterator[tuple[str, str]]:
    """What the root and the top-level cgroups may use when these CPUs are online."""
    root = f"{_CGROUPS}/cpuset.cpus.effective"
    if root in texts.files:
        yield root, f"{online}\n"
    for path, text in texts.files.items():
        is_given = path.startswith(f"{_CGROUPS}/") and path.endswith("/cpuset.cpus")
        if is_given and f"{path}.effective" in texts.files:
            yield f"{path}.effective", f"{CpuSet.parse_kernel(text) & online or online}\n"


def _new_files(texts: Texts, online: CpuSet) -> Iterator[tuple[str, str]]:
    """Files that appear when the controller is switched on; none where it is on, or is missing."""
    enabled = texts.files.get(_SWITCH, "").split()
    if (
        "cpuset" in enabled
        or "cpuset" not in texts.files.get(f"{_CGROUPS}/cgroup.controllers", "").split()
    ):
        return
    yield _SWITCH, " ".join(["cpuset", *enabled]) + "\n"
    for folder in texts.links:
        if folder.rpartition("/")[0] == _CGROUPS:
            yield f"{folder}/cpuset.cpus", "\n"
            yield f"{folder}/cpuset.cpus.effective", f"{online}\n"
            yield f"{folder}/cpuset.cpus.partition", "member\n"

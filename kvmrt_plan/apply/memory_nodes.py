# SPDX-License-Identifier: Apache-2.0
"""The memory nodes of systemd's units: AllowedMemoryNodes=, see systemd.resource-control(5).

systemd takes nodes that do not exist and applies nothing; what counts is the unit's cpuset.mems.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import subject_of
from kvmrt_plan.apply.kernel_files import parse_cpus
from kvmrt_plan.facts.slices import CGROUP_FOLDER

if TYPE_CHECKING:
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host


def read_nodes(host: Host, step: Step) -> str | None:
    """The nodes that the unit's memory may come from; None when there is no such unit.

    Raises:
        WriteRefusedError: the file cannot be read.
    """
    folder = f"{CGROUP_FOLDER}/{subject_of(step.kind, step.address)}"
    for path in (
        f"{folder}/cpuset.mems",
        f"{folder}/cpuset.mems.effective",
        f"{CGROUP_FOLDER}/cpuset.mems.effective",
    ):
        text = host.read(path)
        nodes = parse_cpus(path, text) if text is not None else None
        if nodes:
            return str(nodes)
    return None


def write_nodes(host: Host, step: Step) -> None:
    """Confine the unit's memory.

    Raises:
        WriteRefusedError: systemd refuses.
    """
    nodes = parse_cpus(step.address, step.new or "")
    host.set_allowed_nodes(subject_of(step.kind, step.address), nodes)

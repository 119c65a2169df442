# SPDX-License-Identifier: Apache-2.0
"""cpusets of cgroup v1: which CPUs each has, and where the host's tasks are.

Source: Documentation/admin-guide/cgroup-v1/cpusets.rst. systemd has never used this controller, so that all
tasks of a host are in the root, but those of guests and containers. kvmrt's own cpuset is `kvmrt`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.facts.reading import read_cpulist, read_word
from kvmrt_plan.values.cpuset import EMPTY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.values.cpuset import CpuSet

HIERARCHY = "/sys/fs/cgroup/cpuset"
#: Of the list of the root's tasks a snapshot holds one word: where the host's tasks are.
TASKS = f"{HIERARCHY}/tasks"
#: The cpuset that kvmrt makes for the host's tasks.
OURS = "kvmrt"
#: Words for where they are: none confined, all of them that can be, some.
EVERYWHERE, CONFINED, BOTH = "root", OURS, "both"
_CPUS = "/cpuset.cpus"


def parse_cpusets(snapshot: Snapshot) -> Mapping[str, CpuSet]:
    """The CPUs of each cpuset but the root, by its path without the beginning (`machine/qemu-1-rt1`), parents
    before their children.

    Raises:
        FactError: a list of CPUs is none.
    """
    paths = sorted(
        path
        for path in snapshot.files
        if path.startswith(f"{HIERARCHY}/") and path.endswith(_CPUS) and path != HIERARCHY + _CPUS
    )
    return {
        path[len(HIERARCHY) + 1 : -len(_CPUS)]: read_cpulist(snapshot, path) or EMPTY
        for path in paths
    }


def parse_task_place(snapshot: Snapshot) -> str:
    """Where the host's tasks are; a captured tree does not tell, and then none is confined."""
    word = read_word(snapshot, TASKS)
    return word if word in (CONFINED, BOTH) else EVERYWHERE

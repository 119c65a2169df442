# SPDX-License-Identifier: Apache-2.0
"""Containers that were given CPUs of their own: cpuset.cpus of their cgroups.

docker (`--cpuset-cpus`), podman and kubelet (cpuManagerPolicy static) write the list below a cgroup of
theirs, whose place depends on whether they let systemd make it. A container that did not ask has no list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.facts.reading import read_cpulist
from kvmrt_plan.facts.slices import CGROUP_FOLDER
from kvmrt_plan.values.cpuset import union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.values.cpuset import CpuSet

_CPUS = "/cpuset.cpus"
#: Beginnings of the cgroups' paths, and whose they are.
_OWNERS = (
    ("docker/", "docker"),
    ("system.slice/docker-", "docker"),
    ("machine.slice/libpod-", "podman"),
    ("kubepods", "kubelet"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Containers:
    """Containers of one engine that have CPUs of their own."""

    engine: str
    count: int
    cpus: CpuSet


def parse_containers(snapshot: Snapshot) -> tuple[Containers, ...]:
    """By engine; none where no container has a list.

    Raises:
        FactError: a list of CPUs is none.
    """
    found: dict[str, list[CpuSet]] = {}
    for engine, cpus in _lists(snapshot):
        found.setdefault(engine, []).append(cpus)
    return tuple(
        Containers(engine=engine, count=len(sets), cpus=union(sets))
        for engine, sets in sorted(found.items())
    )


def _lists(snapshot: Snapshot) -> Iterator[tuple[str, CpuSet]]:
    prefix = f"{CGROUP_FOLDER}/"
    for path in snapshot.files:
        if not path.startswith(prefix) or not path.endswith(_CPUS):
            continue
        group = path.removeprefix(prefix).removesuffix(_CPUS)
        engine = next((name for start, name in _OWNERS if group.startswith(start)), "")
        # The top-level group is a unit that the shield confines, not a container.
        cpus = read_cpulist(snapshot, path) if engine and "/" in group else None
        if cpus:
            yield engine, cpus

# SPDX-License-Identifier: Apache-2.0
"""The cpuset controller of a simulated host: what follows from the CPUs of its top-level cgroups.

As measured on Linux 6.1 (Documentation/admin-guide/cgroup-v2.rst): a partition's CPUs leave the root and
everybody who has none of his own; `isolated` is taken also when the partition cannot be, and the file then
tells why; another cgroup that names one of the CPUs makes it invalid, and it stays so until `member` has been
written, its own CPUs change, or a CPU comes or goes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.facts.slices import CGROUP_FOLDER, ISOLATED, MEMBER
from kvmrt_plan.values.cpuset import EMPTY, CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_CPUS = re.compile(re.escape(CGROUP_FOLDER) + r"/([^/]+)/cpuset\.cpus")
_NOT_EXCLUSIVE = "Cpu list in cpuset.cpus not exclusive"
_EMPTY = "cpuset.cpus is empty"
_TAKES_ALL = "Parent unable to distribute cpu downstream"
_OFFLINE = "No cpu available due to hotplug"


def isolated_cpus(files: Mapping[str, str]) -> CpuSet:
    """CPUs of all partitions that are valid."""
    return union(
        cpus
        for name, cpus in _given(files).items()
        if files.get(_partition(name), "").strip() == ISOLATED
    )


def allowed_in(files: Mapping[str, str], unit: str | None, online: CpuSet) -> CpuSet:
    """What threads in the top-level cgroup may use; in the root's, or one without CPUs: what is left."""
    own = CpuSet.parse_kernel(files.get(f"{CGROUP_FOLDER}/{unit}/cpuset.cpus", ""))
    if own and files.get(_partition(unit or ""), "").strip() == ISOLATED:
        return own & online
    left = online - isolated_cpus(files)
    return own & left or left


def settle(
    files: Mapping[str, str], online: CpuSet, *, again: Collection[str] | None = ()
) -> Iterator[tuple[str, str]]:
    """Texts that the controller changes after something else was: partitions, then effective CPUs.

    Args:
        files: all texts, with the change that was made.
        online: CPUs that are.
        again: cgroups whose invalid partition is judged anew; None: all of them.
    """
    given = _given(files)
    words = dict(_partitions(files, given, online, again))
    yield from words.items()
    after = {**files, **words}
    root = f"{CGROUP_FOLDER}/cpuset.cpus.effective"
    if root in files:
        yield root, f"{online - isolated_cpus(after)}\n"
    for name in given:
        path = f"{CGROUP_FOLDER}/{name}/cpuset.cpus.effective"
        if path in files:
            yield path, f"{allowed_in(after, name, online)}\n"


def _partitions(
    files: Mapping[str, str],
    given: Mapping[str, CpuSet],
    online: CpuSet,
    again: Collection[str] | None,
) -> Iterator[tuple[str, str]]:
    for name in given:
        path = _partition(name)
        word = files.get(path, MEMBER).strip()
        if word == ISOLATED or (word != MEMBER and (again is None or name in again)):
            reason = _invalidity(files, name, given, online)
            yield path, f"{ISOLATED} invalid ({reason})\n" if reason else f"{ISOLATED}\n"


def _invalidity(
    files: Mapping[str, str], name: str, given: Mapping[str, CpuSet], online: CpuSet
) -> str:
    cpus = given[name]
    others = union(one for other, one in given.items() if other != name)
    if not cpus:
        return _EMPTY
    if cpus & others:
        return _NOT_EXCLUSIVE
    if not cpus & online:
        # Without tasks it stays a partition, of no CPU.
        return _OFFLINE if _has_tasks(files, name) else ""
    return "" if online - cpus else _TAKES_ALL


def _has_tasks(files: Mapping[str, str], name: str) -> bool:
    """Whether a process is in the top-level cgroup, or below it."""
    return any(
        f"::/{name}/" in f"{text.strip()}/"
        for path, text in files.items()
        if path.startswith("/proc/") and path.endswith("/cgroup")
    )


def _given(files: Mapping[str, str]) -> dict[str, CpuSet]:
    """The CPUs that each top-level cgroup names, where the controller is on."""
    found = ((_CPUS.fullmatch(path), text) for path, text in files.items())
    return {one[1]: CpuSet.parse_kernel(text) or EMPTY for one, text in found if one is not None}


def _partition(name: str) -> str:
    return f"{CGROUP_FOLDER}/{name}/cpuset.cpus.partition"

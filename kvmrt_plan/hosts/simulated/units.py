# SPDX-License-Identifier: Apache-2.0
"""systemd's side of a simulated host: AllowedCPUs= of top-level units, and slices that come and go.

What a unit's tasks may use is what it asks for, as far as that is online; when nothing of it is, they
run on what the root has (cgroup-v2.rst, cpuset.cpus.effective). The first unit that is given CPUs makes
systemd switch the cpuset controller on in the root, and with that every top-level cgroup gets its files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.slices import ISOLATED, MEMBER
from kvmrt_plan.hosts.simulated.cpusets import settle
from kvmrt_plan.hosts.simulated.evicted import guest_runs_in, moved_threads

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from kvmrt_plan.hosts.simulated.texts import Texts
    from kvmrt_plan.values.cpuset import CpuSet

_CGROUPS = "/sys/fs/cgroup"
_SWITCH = f"{_CGROUPS}/cgroup.subtree_control"


def set_allowed_cpus(texts: Texts, unit: str, cpus: CpuSet, online: CpuSet) -> None:
    """As `systemctl set-property --runtime UNIT AllowedCPUs=...`.

    Raises:
        WriteRefusedError: there is no such unit, or no cpuset controller.
    """
    path = f"{_CGROUPS}/{unit}/cpuset.cpus"
    files = {} if path in texts.files else dict(new_files(texts, online))
    if path not in texts.files and path not in files:
        raise WriteRefusedError(unit, "Failed to set unit properties: Unit not found.")
    files[path] = f"{cpus}\n"
    # The same CPUs once more are no change, and no reason to judge a partition again.
    is_same = texts.files.get(path) == files[path]
    _change(texts, files, online, again=() if is_same else (unit,))


def make_slice(texts: Texts, unit: str, cpus: CpuSet, online: CpuSet) -> None:
    """As `systemctl start` and `set-property` of a top-level slice.

    Raises:
        WriteRefusedError: there is no cpuset controller.
    """
    folder = f"{_CGROUPS}/{unit}"
    files = dict(new_files(texts, online))
    if not files and "cpuset" not in texts.files.get(_SWITCH, "").split():
        raise WriteRefusedError(unit, "Failed to set unit properties: no cpuset controller")
    files[f"{folder}/cpuset.cpus"] = f"{cpus}\n"
    files[f"{folder}/cpuset.cpus.effective"] = f"{cpus}\n"
    if f"{folder}/cpuset.cpus.partition" not in texts.files:
        files[f"{folder}/cpuset.cpus.partition"] = f"{MEMBER}\n"
        files.update(_memory_files(texts, folder))
    links: dict[str, str | None] = {} if folder in texts.links else {folder: ""}
    is_same = texts.files.get(f"{folder}/cpuset.cpus") == files[f"{folder}/cpuset.cpus"]
    _change(texts, files, online, again=() if is_same else (unit,), links=links)


def remove_slice(texts: Texts, unit: str, online: CpuSet) -> None:
    """As `systemctl stop` of a slice in which nothing runs.

    Raises:
        WriteRefusedError: a guest runs in it.
    """
    if guest_runs_in(texts, unit):
        raise WriteRefusedError(unit, "processes run in it: the guest has to be shut down first")
    folder = f"{_CGROUPS}/{unit}"
    gone = dict.fromkeys(path for path in texts.files if path.startswith(f"{folder}/"))
    _change(texts, gone, online, links={folder: None})


def write_partition(texts: Texts, path: str, word: str, online: CpuSet) -> bool:
    """As writing cpuset.cpus.partition: the outcome is in the file; False: no such word."""
    if word not in (MEMBER, ISOLATED):
        return False
    is_invalid = texts.files[path].startswith(f"{ISOLATED} ")
    if word == ISOLATED and is_invalid:
        return True
    unit = path.split("/")[-2]
    _change(texts, {path: f"{word}\n"}, online, again=(unit,))
    return True


def effective_cpus(texts: Texts, online: CpuSet) -> Iterator[tuple[str, str]]:
    """Partitions, and what the root and the top-level cgroups may use, when these CPUs are online."""
    yield from settle(texts.files, online, again=None)


def _change(
    texts: Texts,
    files: dict[str, str | None],
    online: CpuSet,
    *,
    again: Collection[str] = (),
    links: dict[str, str | None] | None = None,
) -> None:
    """One change with all that the controller makes of it."""
    after = {path: text for path, text in {**texts.files, **files}.items() if text is not None}
    settled = dict(settle(after, online, again=again))
    after.update(settled)
    threads = moved_threads(texts, after, online)
    texts.change(files={**files, **settled, **dict(threads)}, links=links)


def new_files(texts: Texts, online: CpuSet) -> Iterator[tuple[str, str | None]]:
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
            yield from _memory_files(texts, folder)


def _memory_files(texts: Texts, folder: str) -> Iterator[tuple[str, str | None]]:
    """A cgroup without nodes of its own has those of the root."""
    nodes = texts.files.get(f"{_CGROUPS}/cpuset.mems.effective")
    if nodes is not None:
        yield f"{folder}/cpuset.mems", "\n"
        yield f"{folder}/cpuset.mems.effective", nodes

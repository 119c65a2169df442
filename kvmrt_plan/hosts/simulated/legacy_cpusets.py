# SPDX-License-Identifier: Apache-2.0
"""cpusets of cgroup v1 on a simulated host.

As tried on Linux 6.18 (tests/contract/test_cpuset_v1.py): a cpuset lies within its parent (EACCES) and around
its children (EBUSY); a CPU that the kernel has no room for is ERANGE. As the kernel's source has it
(kernel/cgroup/cpuset.c): a CPU that is offline is EINVAL; one that goes offline leaves all cpusets but the
root and does not come back, only the root follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.cpusets import CONFINED, EVERYWHERE, HIERARCHY, OURS, TASKS
from kvmrt_plan.hosts.simulated.refusal import refusal
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kvmrt_plan.hosts.simulated.texts import Texts

_CPUS = "/cpuset.cpus"
_ROOT = HIERARCHY + _CPUS
_OWN = f"{HIERARCHY}/{OURS}"


def is_cpuset(path: str) -> bool:
    """Whether the file is the list of CPUs of a cpuset that may change it."""
    return path.startswith(f"{HIERARCHY}/") and path.endswith(_CPUS) and path != _ROOT


def write_cpus(texts: Texts, path: str, text: str, possible: CpuSet) -> None:
    """As writing cpuset.cpus.

    Raises:
        WriteRefusedError: as the kernel refuses.
    """
    try:
        cpus = CpuSet.parse_kernel(text)
    except CpuListError:
        raise refusal(path, "EINVAL") from None
    if not cpus <= possible:
        raise refusal(path, "ERANGE")
    if not cpus <= CpuSet.parse_kernel(texts.files[_ROOT]):
        raise refusal(path, "EINVAL")
    folder = path.removesuffix(_CPUS)
    inner = (one for one in _lists(texts.files) if one.startswith(f"{folder}/") and one != path)
    if any(not CpuSet.parse_kernel(texts.files[one]) <= cpus for one in inner):
        raise refusal(path, "EBUSY")
    if not cpus <= CpuSet.parse_kernel(texts.files[folder.rpartition("/")[0] + _CPUS]):
        raise refusal(path, "EACCES")
    if not cpus and folder == _OWN and task_place(texts) != EVERYWHERE:
        raise refusal(path, "ENOSPC")
    texts.change(files={path: f"{cpus}\n"})


def make_cpuset(texts: Texts, cpus: CpuSet) -> None:
    """As mkdir, and its CPUs and memory written.

    Raises:
        WriteRefusedError: there are no cpusets, or a CPU is not there.
    """
    if _ROOT not in texts.files:
        raise refusal(_OWN, "ENOENT")
    if not cpus <= CpuSet.parse_kernel(texts.files[_ROOT]):
        raise refusal(_OWN + _CPUS, "EINVAL")
    texts.change(files={_OWN + _CPUS: f"{cpus}\n"}, links={_OWN: ""})


def remove_cpuset(texts: Texts) -> None:
    """As rmdir.

    Raises:
        WriteRefusedError: tasks are in it.
    """
    if task_place(texts) != EVERYWHERE:
        raise refusal(_OWN, "EBUSY")
    texts.change(files={_OWN + _CPUS: None}, links={_OWN: None})


def task_place(texts: Texts) -> str | None:
    """What the snapshot has of the tasks; None without cpusets."""
    if _ROOT not in texts.files:
        return None
    return texts.files.get(TASKS, EVERYWHERE).strip()


def move_tasks(texts: Texts, *, is_confined: bool) -> None:
    """All tasks that can be moved.

    Raises:
        WriteRefusedError: there is no cpuset for them.
    """
    if is_confined and _OWN + _CPUS not in texts.files:
        raise WriteRefusedError(f"{_OWN}/tasks", "No such file or directory", errno_name="ENOENT")
    texts.change(files={TASKS: f"{CONFINED if is_confined else EVERYWHERE}\n"})


def left_over(files: Mapping[str, str], online: CpuSet) -> Iterator[tuple[str, str]]:
    """Texts that change with the CPUs that are online."""
    if _ROOT not in files:
        return
    yield _ROOT, f"{online}\n"
    for path in _lists(files):
        yield path, f"{CpuSet.parse_kernel(files[path]) & online}\n"


def _lists(files: Mapping[str, str]) -> list[str]:
    return [path for path in files if is_cpuset(path)]

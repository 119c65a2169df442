# SPDX-License-Identifier: Apache-2.0
"""cpusets of cgroup v1, and the host's tasks in kvmrt's own.

Interface: cpuset.cpus and tasks, see Documentation/admin-guide/cgroup-v1/cpusets.rst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import subject_of
from kvmrt_plan.apply.kernel_files import parse_cpus
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.cpusets import BOTH, CONFINED, EVERYWHERE, HIERARCHY, OURS

if TYPE_CHECKING:
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host

CPUSET_KINDS = frozenset({Kind.CPUSET, Kind.CPUSET_WIDEN, Kind.CPUSET_TASKS})


def read_cpuset(host: Host, step: Step) -> str | None:
    """The CPUs of a cpuset, None when it is not there; or where the host's tasks are.

    Raises:
        WriteRefusedError: the file cannot be read.
    """
    subject = subject_of(step.kind, step.address)
    if step.kind is Kind.CPUSET_TASKS:
        return host.task_place()
    text = host.read(_file(subject))
    return None if text is None else str(parse_cpus(step.address, text))


def write_cpuset(host: Host, step: Step) -> None:
    """Make, change or remove it, or move the tasks.

    Raises:
        WriteRefusedError: the kernel refuses.
    """
    subject = subject_of(step.kind, step.address)
    if step.kind is Kind.CPUSET_TASKS:
        if step.new not in (EVERYWHERE, CONFINED):
            raise WriteRefusedError(step.address, f"tasks cannot be put to {step.new!r}")
        host.move_tasks(is_confined=step.new == CONFINED)
    elif step.new is not None and host.read(_file(subject)) is not None:
        host.write(_file(subject), str(parse_cpus(step.address, step.new)))
    elif subject != OURS:
        raise WriteRefusedError(step.address, "is not kvmrt's own, and is not made or removed")
    elif step.new is None:
        host.remove_cpuset()
    else:
        host.make_cpuset(parse_cpus(step.address, step.new))


def is_half_done(step: Step, now: str | None) -> bool:
    """Whether the value is one that a write of this step, which was not done in full, has left."""
    if step.kind is Kind.CPUSET:
        return step.old is None and now == ""
    return step.kind is Kind.CPUSET_TASKS and now == BOTH != step.old


def _file(path: str) -> str:
    return f"{HIERARCHY}/{path}/cpuset.cpus"

# SPDX-License-Identifier: Apache-2.0
"""The task shield: units of systemd, and RedHawk's shield.

Interface of units: AllowedCPUs=, see systemd.resource-control(5); what counts is the unit's cpuset.cpus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import subject_of
from kvmrt_plan.apply.kernel_files import parse_cpus
from kvmrt_plan.apply.partitions import PARTITION_KINDS, read_partition, write_partition
from kvmrt_plan.changes.change import Kind

if TYPE_CHECKING:
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host

_CGROUPS = "/sys/fs/cgroup"
_SHIELD = {
    "processes": "/proc/shield/procs",
    "irqs": "/proc/shield/irqs",
    "local-timers": "/proc/shield/ltmrs",
}


def read_slice(host: Host, step: Step) -> str | None:
    """The CPUs that the unit's tasks may use, or that are shielded; None when there is no such unit.

    Raises:
        WriteRefusedError: the file cannot be read.
    """
    if step.kind in PARTITION_KINDS:
        return read_partition(host, step)
    subject = subject_of(step.kind, step.address)
    if step.kind is Kind.SHIELD:
        text = host.read(_SHIELD[subject])
        return None if text is None else str(parse_cpus(_SHIELD[subject], text)) or None
    folder = f"{_CGROUPS}/{subject}"
    for path in (
        f"{folder}/cpuset.cpus",
        f"{folder}/cpuset.cpus.effective",
        "/sys/devices/system/cpu/online",
    ):
        text = host.read(path)
        cpus = parse_cpus(path, text) if text is not None else None
        if cpus:
            return str(cpus)
    return None


def write_slice(host: Host, step: Step) -> None:
    """Confine the unit, or set the shield.

    Raises:
        WriteRefusedError: systemd or the kernel refuses.
    """
    if step.kind in PARTITION_KINDS:
        write_partition(host, step)
        return
    subject = subject_of(step.kind, step.address)
    cpus = parse_cpus(step.address, step.new or "")
    if step.kind is Kind.SHIELD:
        host.write(_SHIELD[subject], str(cpus))
    else:
        host.set_allowed_cpus(subject, cpus)

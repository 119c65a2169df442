# SPDX-License-Identifier: Apache-2.0
"""Slices of RT VMs, and whether each is a partition of its own.

Interface: cpuset.cpus.partition, see cpuset in Documentation/admin-guide/cgroup-v2.rst. The kernel takes
the word `isolated` also when the partition cannot be: then it reads `isolated invalid (REASON)`, and
goes on doing so when the reason is gone, until `member` has been written in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import subject_of
from kvmrt_plan.apply.kernel_files import parse_cpus
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.facts.slices import CGROUP_FOLDER, MEMBER

if TYPE_CHECKING:
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host


PARTITION_KINDS = frozenset({Kind.VM_SLICE, Kind.PARTITION_LIFT, Kind.PARTITION})


def read_partition(host: Host, step: Step) -> str | None:
    """The CPUs of a slice, None when it has none or is not there; or the word in its partition file, with
    the kernel's reason when it is invalid.

    Raises:
        WriteRefusedError: the file cannot be read.
    """
    folder = f"{CGROUP_FOLDER}/{subject_of(step.kind, step.address)}"
    if step.kind is not Kind.VM_SLICE:
        return (host.read(f"{folder}/cpuset.cpus.partition") or MEMBER).strip()
    text = host.read(f"{folder}/cpuset.cpus")
    return None if text is None else str(parse_cpus(step.address, text)) or None


def write_partition(host: Host, step: Step) -> None:
    """Give the slice its CPUs or remove it, or write the partition's word.

    Raises:
        WriteRefusedError: systemd or the kernel refuses; a guest runs in a slice that should go.
    """
    unit = subject_of(step.kind, step.address)
    if step.kind is not Kind.VM_SLICE:
        # An undo to `isolated invalid (...)` writes the word, and gets the reason from the kernel.
        word = (step.new or MEMBER).partition(" ")[0]
        host.write(f"{CGROUP_FOLDER}/{unit}/cpuset.cpus.partition", word)
    elif step.new is None:
        host.remove_slice(unit)
    else:
        host.make_slice(unit, parse_cpus(step.address, step.new))

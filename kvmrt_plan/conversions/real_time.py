# SPDX-License-Identifier: Apache-2.0
"""What the sources have in common: masks of real-time vCPUs, topologies, page sizes, and what rt implies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.desired.attribute import MAX_VCPUS, BadValue, integer_parser
from kvmrt_plan.desired.model import GuestTopology, PageSize
from kvmrt_plan.desired.thread_scheduler import SchedulerPolicy, ThreadScheduler
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.conversions.source import Part

#: Nova's realtime_scheduler_priority, KubeVirt's and SEAPATH's default.
FIRST_PRIORITY = ThreadScheduler(policy=SchedulerPolicy.FIFO, priority=1)

ALL_VCPUS = (
    "kvmrt schedules all vCPUs of a VM alike; vcpu_scheduler is left out, libvirt's own stays"
)
NO_CPUSET = (
    "it names no CPUs of a host; rt needs a cpuset of {} CPUs: the first for all threads but vCPUs"
)
STAYS = "kvmrt leaves it to libvirt's definition of the VM"

parse_count = integer_parser(1, MAX_VCPUS)


def parse_vcpu_mask(text: str, nr_vcpus: int) -> CpuSet:
    """VCPUs by libvirt's notation: `0-3,^1`; only exclusions count from all.

    >>> str(parse_vcpu_mask("^0", 4)), str(parse_vcpu_mask("0-2,^1", 4))
    ('1-3', '0,2')

    Raises:
        BadValue: the text is none.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        taken = CpuSet.parse(",".join(part for part in parts if not part.startswith("^")))
        dropped = CpuSet.parse(",".join(part[1:] for part in parts if part.startswith("^")))
    except CpuListError as error:
        raise BadValue(
            f"a list of vCPUs is expected ({error.problem})", "write vCPUs such as 1-3 or ^0"
        ) from None
    return (taken or CpuSet(range(nr_vcpus))) - dropped


def scheduler_for(part: Part, key: str, nr_vcpus: int) -> ThreadScheduler | None:
    """The scheduler of the vCPUs, unless the mask at the key leaves some of them out, which is listed."""
    everything = CpuSet(range(nr_vcpus))
    mask = part.read(key, lambda text: parse_vcpu_mask(text, nr_vcpus))
    if mask is None or everything <= mask:
        return FIRST_PRIORITY
    part.leave(key, ALL_VCPUS)
    return None


def topology_of(part: Part, keys: tuple[str, str, str]) -> GuestTopology | None:
    """Sockets, cores and threads; None when none of them is given."""
    numbers = [part.read(key, parse_count) for key in keys]
    if all(number is None for number in numbers):
        return None
    return GuestTopology(*(number or 1 for number in numbers))


def usual(topology: GuestTopology | None, nr_vcpus: int) -> GuestTopology | None:
    """None where the topology is the one that `auto` means."""
    return None if topology == GuestTopology(1, nr_vcpus, 1) else topology


def parse_page_size(text: str) -> PageSize | None:
    """2 MiB or 1 GiB in any notation (`2MB`, `2Mi`, `2048`, which is KiB); None for small pages.

    Raises:
        BadValue: no size, or one that kvmrt has not.
    """
    if text.lower() in {"small", "any"}:
        return None
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*([kmg]?)(?:i?b?)\s*", text.lower())
    size = int(found[1]) * {"": 1, "k": 1, "m": 1024, "g": 1024**2}[found[2]] if found else 0
    if size == 4:
        return None
    sizes = {2048: PageSize.SIZE_2M, 1024**2: PageSize.SIZE_1G}
    if size not in sizes:
        raise BadValue("a page size of 2M or 1G is expected", "write one of these")
    return sizes[size]


def describe_rt(part: Part, *, is_rt: bool, nr_vcpus: int) -> None:
    """List that an RT VM of such a source still needs CPUs."""
    if is_rt:
        part.note("cpuset", "", NO_CPUSET.format(nr_vcpus + 1))

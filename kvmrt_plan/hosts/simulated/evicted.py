# SPDX-License-Identifier: Apache-2.0
"""Guests' threads on a simulated host, when a partition or machine.slice takes CPUs away or gives them back.

As measured on Linux 6.1: threads outside of the partition that are bound to nothing leave its CPUs at once,
and may use them again when it ends; the kernel's own threads in the root's cgroup, bound or not, get all that
the root is left with (kernel/cgroup/cpuset.c, update_tasks_cpumask). Threads that a pin governs have a cgroup
with CPUs of its own below the guest's; they are moved only by libvirt here, since no plan makes a partition
over one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.changes.live_pins import pin_of_thread
from kvmrt_plan.domainxml.document import parse_domain, read_settings
from kvmrt_plan.facts.guest_kthreads import parse_unified
from kvmrt_plan.facts.slices import GUESTS
from kvmrt_plan.facts.threads import parse_threads, qemu_folders
from kvmrt_plan.hosts.simulated.affinity import with_affinity
from kvmrt_plan.hosts.simulated.cpusets import allowed_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kvmrt_plan.facts.snapshot import RawDomain
    from kvmrt_plan.hosts.simulated.texts import Texts
    from kvmrt_plan.values.cpuset import CpuSet

#: Of a process; those with a stat beside it are threads of the kernel.
_STATUS = re.compile(r"(/proc/\d+)/status")


def slice_of(domain: RawDomain, *, is_live: bool = True) -> str | None:
    """The top-level slice that the guest is made in; None: machine.slice."""
    xml = domain.live_xml if is_live else domain.xml
    if not xml:
        return None
    path = read_settings(parse_domain(xml, domain=domain.name)).get("partition", "")
    name = path.removeprefix("/")
    return f"{name}.slice" if name and "/" not in name else None


def guest_runs_in(texts: Texts, unit: str) -> bool:
    """Whether a guest's processes are in the slice."""
    return any(slice_of(domain) == unit for domain in texts.domains.values())


def _in_the_root(texts: Texts, cpus: CpuSet) -> Iterator[tuple[str, str]]:
    for path, text in texts.files.items():
        matched = _STATUS.fullmatch(path)
        if matched is None or f"{matched[1]}/stat" not in texts.files:
            continue
        # Of the kernel's threads that work for no guest the snapshot does not hold it: they are in the root.
        if parse_unified(texts.files.get(f"{matched[1]}/cgroup", "0::/")) == "/":
            yield path, with_affinity(text, cpus)


def moved_threads(
    texts: Texts, after: Mapping[str, str], online: CpuSet
) -> Iterator[tuple[str, str]]:
    """Threads that leave CPUs of a partition, or come back to them."""
    in_root = allowed_in(after, None, online)
    if in_root != allowed_in(texts.files, None, online):
        yield from _in_the_root(texts, in_root)
    before, now = allowed_in(texts.files, GUESTS, online), allowed_in(after, GUESTS, online)
    if before == now:
        return
    snapshot = texts.snapshot()
    for uuid, folder in qemu_folders(snapshot).items():
        domain = texts.domains.get(uuid)
        if domain is None or not domain.live_xml:
            continue
        if slice_of(domain) is not None:
            continue
        pins = read_settings(parse_domain(domain.live_xml, domain=domain.name))
        for thread in parse_threads(snapshot, folder):
            key = pin_of_thread(thread.name) or "emulatorpin"
            if key not in pins and before <= thread.affinity:
                path = f"{folder}/task/{thread.tid}/status"
                yield path, with_affinity(texts.files[path], thread.affinity - before | now)

# SPDX-License-Identifier: Apache-2.0
"""Pinned threads of guests on a simulated host while CPUs come and go.

On the unified hierarchy a pin is a cgroup with CPUs of its own (as measured with libvirt 9.0 on Linux 6.1):
its threads run on those that are online, on its parent's when none is, and return with the CPU. A thread that
somebody has moved within its cgroup stays there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.live_pins import pin_of_thread
from kvmrt_plan.domainxml.document import parse_domain
from kvmrt_plan.domainxml.live import read_pins
from kvmrt_plan.facts.slices import CGROUP_FOLDER
from kvmrt_plan.facts.threads import parse_threads, qemu_folders
from kvmrt_plan.hosts.simulated.affinity import with_affinity
from kvmrt_plan.hosts.simulated.cpusets import allowed_in
from kvmrt_plan.hosts.simulated.evicted import slice_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kvmrt_plan.hosts.simulated.texts import Texts
    from kvmrt_plan.values.cpuset import CpuSet


def pinned_threads(
    texts: Texts, after: Mapping[str, str], was_online: CpuSet, online: CpuSet
) -> Iterator[tuple[str, str]]:
    """The status of threads that the hotplug moves.

    Args:
        texts: the host before.
        after: its files afterwards, but for threads.
        was_online: CPUs that were online before.
        online: those that are afterwards.
    """
    if f"{CGROUP_FOLDER}/cgroup.controllers" not in texts.files:
        return
    snapshot = texts.snapshot()
    for uuid, folder in qemu_folders(snapshot).items():
        domain = texts.domains.get(uuid)
        if domain is None or not domain.live_xml:
            continue
        pins = read_pins(parse_domain(domain.live_xml, domain=domain.name))
        unit = slice_of(domain)
        for thread in parse_threads(snapshot, folder):
            pin = pins.get(pin_of_thread(thread.name) or "emulatorpin")
            if pin is None:
                continue
            before = pin & was_online or allowed_in(texts.files, unit, was_online)
            now = pin & online or allowed_in(after, unit, online)
            if thread.affinity == before != now:
                path = f"{folder}/task/{thread.tid}/status"
                yield path, with_affinity(texts.files[path], now)

# SPDX-License-Identifier: Apache-2.0
"""virtio_net on a simulated host: with every hotplug it spreads its queues over the online CPUs anew,
whatever their interrupts were set to (drivers/net/virtio_net.c, virtnet_set_affinity).
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from kvmrt_plan.facts.interrupts import parse_interrupts
from kvmrt_plan.hosts.simulated.affinity import mask_like
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INTERFACE = re.compile(r"/sys/bus/pci/devices/[^/]+/virtio\d+/net/([^/]+)")
_QUEUE = re.compile(r"(virtio\d+)-(?:in|out)put\.(\d+)")


def spread_queues(files: Mapping[str, str], online: CpuSet) -> Iterator[tuple[str, str]]:
    """The affinity files of all queues' interrupts, as the driver leaves them."""
    queues: dict[str, dict[int, list[int]]] = {}
    for number, row in parse_interrupts(files.get("/proc/interrupts", "")).items():
        for action in row.actions:
            if matched := _QUEUE.fullmatch(action):
                queues.setdefault(matched[1], {}).setdefault(int(matched[2]), []).append(number)
    for pairs in queues.values():
        for pair, cpus in enumerate(_groups(online, len(pairs))):
            for number in pairs.get(pair, ()):
                path = f"/proc/irq/{number}/smp_affinity_list"
                if path in files:
                    yield path, f"{cpus}\n"
                effective = f"/proc/irq/{number}/effective_affinity_list"
                if effective in files and not CpuSet.parse_kernel(files[effective]) <= cpus:
                    yield effective, f"{cpus.first}\n"


def spread_sending(
    files: Mapping[str, str], links: Mapping[str, str], online: CpuSet
) -> Iterator[tuple[str, str]]:
    """XPS masks of the queues, which the driver sets with them (__netif_set_xps_queue)."""
    for path in links:
        matched = _INTERFACE.fullmatch(path)
        folder = f"/sys/class/net/{matched[1]}/queues" if matched else ""
        masks = [] if not folder else list(_sending(files, folder))
        for mask, cpus in zip(masks, _groups(online, len(masks)) if masks else (), strict=True):
            yield mask, mask_like(files[mask], cpus) + "\n"


def _sending(files: Mapping[str, str], folder: str) -> Iterator[str]:
    for queue in count():
        path = f"{folder}/tx-{queue}/xps_cpus"
        if path not in files:
            return
        yield path


def _groups(online: CpuSet, pairs: int) -> Iterator[CpuSet]:
    """Neighbours for each pair of queues; the first pairs get one more when it does not come out even."""
    cpus, first = tuple(online), 0
    stride = max(len(cpus) // pairs, 1)
    rest = len(cpus) % pairs if len(cpus) >= pairs else 0
    for pair in range(pairs):
        size = stride + (pair < rest)
        yield CpuSet(cpus[(first + i) % len(cpus)] for i in range(size))
        first += size

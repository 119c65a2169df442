# SPDX-License-Identifier: Apache-2.0
"""Which CPUs the queues of network interfaces are steered to: RPS and XPS.

Source: Documentation/networking/scaling.rst and Documentation/ABI/testing/sysfs-class-net-queues. A mask
without CPUs switches the steering of its queue off. A device with a single queue has no XPS: its file is
there, and reading it fails with ENOENT.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.facts.pci import PCI_FOLDER
from kvmrt_plan.facts.reading import read_cpumask

if TYPE_CHECKING:
    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.values.cpuset import CpuSet

NET_FOLDER = "/sys/class/net"
_QUEUE = re.compile(r"(rx|tx)-[0-9]{1,5}")
#: Interrupts of virtio_net's queues, by the names that it gives them.
VIRTIO_QUEUE = re.compile(r"virtio[0-9]+-(?:in|out)put\.[0-9]+")
_FILES = {"rx": "rps_cpus", "tx": "xps_cpus"}


def parse_net_queues(snapshot: Snapshot) -> dict[str, CpuSet]:
    """Masks by address (`net/eth0/rx-0`), in the order of interfaces and queues.

    Raises:
        FactError: a text is no mask.
    """
    found: dict[str, CpuSet] = {}
    for interface in snapshot.entries(NET_FOLDER):
        for queue in snapshot.entries(f"{NET_FOLDER}/{interface}/queues"):
            matched = _QUEUE.fullmatch(queue)
            path = queue_path(interface, queue) if matched else ""
            mask = read_cpumask(snapshot, path) if path else None
            if mask is not None:
                found[f"net/{interface}/{queue}"] = mask
    return found


def parse_virtio_interfaces(snapshot: Snapshot) -> frozenset[str]:
    """Interfaces of virtio_net, whose driver spreads its queues whenever a CPU comes or goes."""
    found: set[str] = set()
    for device in snapshot.entries(PCI_FOLDER):
        folder = f"{PCI_FOLDER}/{device}"
        for _, path in snapshot.numbered(folder, "virtio"):
            found.update(snapshot.entries(f"{path}/net"))
    return frozenset(found)


def queue_path(interface: str, queue: str) -> str:
    """The file of a queue's mask."""
    return f"{NET_FOLDER}/{interface}/queues/{queue}/{_FILES[queue[:2]]}"

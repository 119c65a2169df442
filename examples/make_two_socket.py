# SPDX-License-Identifier: Apache-2.0
"""Writes two-socket.json: a simulated host for two-socket.yaml, with everything a plan can meet.

Two sockets of eight cores with two threads: CPU n and CPU n+16 share a core, node 0 has CPUs
0-7,16-23, node 1 has 8-15,24-31. Run it again after a change: `python examples/make_two_socket.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from raw_host import (
    Guest,
    Interrupt,
    Machine,
    confinement_files,
    cpu_files,
    daemon_files,
    guest_files,
    interrupt_files,
    kernel_files,
    libvirt_daemon_files,
    node_files,
    noise_files,
    raw_domain,
)

from kvmrt_plan.facts.document import dump_snapshot
from kvmrt_plan.facts.snapshot import RawLibvirt, Snapshot
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINE = Machine(sockets=2, cores_per_socket=8, memory_gib_per_node=64, huge_gib_per_node=16)

GUESTS = (
    # Made by hand in virt-manager, never pinned.
    Guest(
        name="rt-motion",
        uuid="6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c01",
        mac="52:54:00:6b:2f:01",
        vcpus=4,
        memory_gib=8,
        has_topology=False,
    ),
    # Runs, pinned by hand as it should be; the rest takes effect when it is started again.
    Guest(
        name="rt-io",
        uuid="6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c02",
        mac="52:54:00:6b:2f:02",
        vcpus=2,
        memory_gib=4,
        pins={"0": "6", "1": "7", "emulator": "5"},
        nodes="0",
        pid=2210,
    ),
    # Right already.
    Guest(
        name="gateway",
        uuid="6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c03",
        mac="52:54:00:6b:2f:03",
        vcpus=2,
        memory_gib=4,
        title="Field bus gateway",
        pins={"0": "2", "1": "3", "emulator": "1"},
        nodes="0",
        pid=2340,
    ),
    Guest(
        name="hmi",
        uuid="6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c04",
        mac="52:54:00:6b:2f:04",
        vcpus=4,
        memory_gib=8,
        pins={"0": "8", "1": "9", "2": "10", "3": "11"},
    ),
    # Was called differently when it was made.
    Guest(
        name="ci-worker",
        uuid="6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c05",
        mac="52:54:00:6b:2f:05",
        vcpus=8,
        memory_gib=16,
        has_autostart=True,
    ),
)

ALL = MACHINE.cpus
NETWORK = {"device": "0000:3b:00.0", "driver": "igb", "interface": "eth0"}
DISKS = {"device": "0000:5e:00.0", "driver": "nvme"}
SATA = {"device": "0000:00:17.0", "driver": "ahci"}


def interrupts() -> Iterator[Interrupt]:
    """What a PC of this size has: legacy lines, a network card with 8 queues, and an NVMe disk whose
    16 queues the kernel spreads by itself (managed: they refuse a new affinity).
    """
    legacy = {0: ("2-edge", "timer"), 8: ("8-edge", "rtc0"), 9: ("9-fasteoi", "acpi")}
    for number, (hardware, action) in legacy.items():
        yield Interrupt(
            number=number, action=action, affinity=ALL, chip="IO-APIC", hardware=hardware
        )
    # The second PIC's line: it has no action, and no interrupt ever arrives on it.
    yield Interrupt(number=2, action="", affinity=ALL, chip="XT-PIC", hardware="")
    yield _message(24, "ahci[0000:00:17.0]", CpuSet((8,)), SATA, vector=0)
    yield _message(25, "eth0", ALL, NETWORK, vector=0)
    for queue in range(8):
        # irqbalance put the queues on every second core of the machine.
        affinity = CpuSet((2 * queue,))
        yield _message(26 + queue, f"eth0-TxRx-{queue}", affinity, NETWORK, vector=queue + 1)
    yield _message(40, "nvme0q0", ALL, DISKS, vector=0)
    for queue in range(16):
        affinity = MACHINE.siblings(queue)
        yield _message(41 + queue, f"nvme0q{queue + 1}", affinity, DISKS, vector=queue + 1)


def _message(
    number: int, action: str, affinity: CpuSet, device: dict[str, str], *, vector: int
) -> Interrupt:
    """An MSI; its hardware number holds the device's bus, slot and function, and the vector."""
    bus, slot, function = (
        int(part, 16) for part in device["device"][5:].replace(".", ":").split(":")
    )
    encoded = (bus << 19) | (slot << 14) | (function << 11) | vector
    is_managed = device is DISKS and vector > 0
    return Interrupt(
        number=number,
        action=action,
        affinity=affinity,
        hardware=f"{encoded}-edge",
        is_managed=is_managed,
        **device,
    )


def two_socket() -> Snapshot:
    """The whole host."""
    files = {
        "/proc/1/comm": "systemd\n",
        "/proc/sys/kernel/hostname": "two-socket\n",
        "/etc/default/irqbalance": "# Configuration for irqbalance; nothing is banned.\n",
    }
    files.update(
        kernel_files(
            release="6.1.0-28-rt-amd64",
            version="#1 SMP PREEMPT_RT Debian 6.1.119-1 (2024-11-22)",
            command_line="BOOT_IMAGE=/vmlinuz-6.1.0-28-rt-amd64 root=/dev/mapper/vg0-root ro quiet",
        )
    )
    files.update(cpu_files(MACHINE))
    files.update(node_files(MACHINE))
    files.update(noise_files(MACHINE))
    files.update(confinement_files(MACHINE, allowed=ALL))
    files.update(daemon_files({701: "irqbalance"}))
    files.update(libvirt_daemon_files(812))
    for guest in GUESTS:
        files.update(guest_files(guest, online=MACHINE.online))
    irq_files, links = interrupt_files(interrupts(), default=ALL)
    return Snapshot(
        name="two-socket",
        captured="2026-11-22T10:12:00Z",
        files={**files, **irq_files},
        links=links,
        libvirt=RawLibvirt(
            uri="qemu:///system",
            version=9_000_000,
            domains=tuple(raw_domain(guest) for guest in GUESTS),
        ),
    )


def main() -> None:
    """Write the file beside this one."""
    text = dump_snapshot(two_socket())
    Path(__file__).with_name("two-socket.json").write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()

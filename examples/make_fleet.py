# SPDX-License-Identifier: Apache-2.0
"""Writes the snapshots of fleet/: three hosts of a line, for `kvmrt check examples/fleet`.

The configurations beside them hold faults on purpose, each marked on its line. Run it again after a
change: `python examples/make_fleet.py`.
"""

from __future__ import annotations

from pathlib import Path

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

#: CPU n and CPU n+8 share a core; node 0 has CPUs 0-3,8-11, node 1 has 4-7,12-15.
MACHINE = Machine(sockets=2, cores_per_socket=4, memory_gib_per_node=32, huge_gib_per_node=8)
#: Where vCPUs may run: the lines were booted for that.
NOHZ_FULL = "4-7"
UUID = "2c1b7c1e-5a54-4b0e-8f53-7d0f1a9e00{:02d}"


def _guest(number: int, name: str, vcpus: int, **more: object) -> Guest:
    return Guest(
        name=name,
        uuid=UUID.format(number),
        mac=f"52:54:00:7c:1e:{number:02d}",
        vcpus=vcpus,
        memory_gib=4,
        **more,  # type: ignore[arg-type]
    )


#: Host, when its snapshot was taken, and its guests.
HOSTS = (
    # As it should be but for what the configuration changes.
    ("press", "2026-11-22T06:00:00Z", (_guest(1, "press-rt", 2), _guest(2, "press-hmi", 2))),
    # A guest that runs, and is about to be pinned elsewhere.
    (
        "weld",
        "2026-11-23T06:00:00Z",
        (_guest(11, "weld-rt", 3, pid=2210), _guest(12, "weld-log", 2)),
    ),
    # Nobody has looked at this one for months.
    ("paint", "2026-06-01T06:00:00Z", (_guest(21, "paint-rt", 2),)),
)


def host(name: str, captured: str, guests: tuple[Guest, ...]) -> Snapshot:
    """One host of the line."""
    every = MACHINE.cpus
    files = {"/proc/1/comm": "systemd\n", "/proc/sys/kernel/hostname": f"{name}\n"}
    files.update(
        kernel_files(
            release="6.12.48-rt-amd64",
            version="#1 SMP PREEMPT_RT Debian 6.12.48-1 (2025-09-20)",
            command_line="BOOT_IMAGE=/vmlinuz-6.12.48-rt-amd64 root=/dev/vda1 ro quiet "
            f"nohz_full={NOHZ_FULL}",
        )
    )
    for made in (cpu_files, node_files, noise_files):
        files.update(made(MACHINE))
    files["/sys/devices/system/cpu/nohz_full"] = f"{NOHZ_FULL}\n"
    files.update(confinement_files(MACHINE, allowed=every))
    files.update(daemon_files({}))
    files.update(libvirt_daemon_files(812))
    for guest in guests:
        files.update(guest_files(guest, online=MACHINE.online))
    network = {"device": "0000:3b:00.0", "driver": "igb", "interface": "eth0"}
    interrupts = [
        Interrupt(number=24, action="eth0", affinity=every, hardware="30932992-edge", **network)
    ]
    irq_files, links = interrupt_files(interrupts, default=every)
    return Snapshot(
        name=name,
        captured=captured,
        files={**files, **irq_files},
        links=links,
        libvirt=RawLibvirt(
            uri="qemu:///system",
            version=11_003_000,
            domains=tuple(raw_domain(guest) for guest in guests),
        ),
    )


def main() -> None:
    """Write the files."""
    folder = Path(__file__).with_name("fleet")
    for name, captured, guests in HOSTS:
        text = dump_snapshot(host(name, captured, guests))
        (folder / f"{name}.json").write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()

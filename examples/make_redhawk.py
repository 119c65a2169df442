# SPDX-License-Identifier: Apache-2.0
"""Writes redhawk.json: a simulated RedHawk host for redhawk.yaml, made by hand from the KVM-RT guide.

One socket of eight cores with two threads; the shield of RedHawk's kernel, and boot loader entries as
RedHawk 8 has them from the distribution it stands on. Nobody has recorded it on a real RedHawk. Run it again
after a change: `python examples/make_redhawk.py`.
"""

from __future__ import annotations

from pathlib import Path

from raw_host import (
    Guest,
    Interrupt,
    Machine,
    cpu_files,
    guest_files,
    interrupt_files,
    kernel_files,
    kvm_files,
    libvirt_daemon_files,
    node_files,
    noise_files,
    raw_domain,
)

from kvmrt_plan.facts.document import dump_snapshot
from kvmrt_plan.facts.snapshot import RawLibvirt, Snapshot

MACHINE = Machine(sockets=1, cores_per_socket=8, memory_gib_per_node=64)
RELEASE = "5.10.59-rt52-RedHawk-8.4-trace"
OPTIONS = "root=/dev/mapper/cl-root ro rhgb quiet"
GUEST = Guest(
    name="RedHawk-8.4-RT",
    uuid="fde74e84-0e1b-404e-90e7-72101e79c48a",
    mac="52:54:00:84:00:01",
    vcpus=4,
    memory_gib=8,
)


def redhawk() -> Snapshot:
    """The whole host."""
    files = {
        "/proc/1/comm": "systemd\n",
        "/proc/sys/kernel/hostname": "redhawk\n",
        "/proc/shield/procs": "\n",
        "/proc/shield/irqs": "\n",
        "/proc/shield/ltmrs": "\n",
        "/etc/default/grub": 'GRUB_CMDLINE_LINUX="rhgb quiet"\nGRUB_ENABLE_BLSCFG=true\n',
    }
    for release in (RELEASE, "4.18.0-305.el8.x86_64"):
        files[f"/boot/loader/entries/8f2c-{release}.conf"] = (
            f"version {release}\nlinux /vmlinuz-{release}\noptions {OPTIONS}\n"
        )
    files.update(
        kernel_files(
            release=RELEASE,
            version="#1 SMP PREEMPT_RT",
            command_line=f"BOOT_IMAGE=(hd0,gpt2)/vmlinuz-{RELEASE} {OPTIONS}",
        )
    )
    files.update(cpu_files(MACHINE))
    files.update(node_files(MACHINE))
    files.update(noise_files(MACHINE))
    files.update(kvm_files())
    files.update(libvirt_daemon_files(812))
    files.update(guest_files(GUEST, online=MACHINE.online))
    files["/etc/sysconfig/shield"] = "# Interrupts that the shield service assigns to CPUs.\n"
    interrupts = [
        Interrupt(number=0, action="timer", affinity=MACHINE.cpus, chip="IO-APIC"),
        Interrupt(
            number=55,
            action="enp4s0f0",
            affinity=MACHINE.cpus,
            device="0000:04:00.0",
            driver="i40e",
            interface="enp4s0f0",
        ),
    ]
    irq_files, links = interrupt_files(interrupts, default=MACHINE.cpus)
    links.update(
        {
            "/boot/grub2": "",
            "/sys/class/iommu": "",
            "/sys/class/misc/kvm": "",
            "/sys/module/kvm_intel": "",
        }
    )
    return Snapshot(
        name="redhawk",
        captured="2026-11-22T10:12:00Z",
        files={**files, **irq_files},
        links=links,
        libvirt=RawLibvirt(uri="qemu:///system", version=6_000_000, domains=(raw_domain(GUEST),)),
    )


def main() -> None:
    """Write the file beside this one."""
    text = dump_snapshot(redhawk())
    Path(__file__).with_name("redhawk.json").write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()

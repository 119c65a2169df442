# SPDX-License-Identifier: Apache-2.0
"""The guest under KVM, and how it is looked at: by /proc and its agent, not by kvmrt."""

from __future__ import annotations

import json
import os
import time
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

#: Beside those that every guest with an agent has: the network's, the clock's, the power button's.
MODULES = ("virtio_pci", "virtio_console", "virtio_net", "ptp_kvm", "button", "evdev")
UUID = "6c0a1b3e-7d44-4a0e-8f3b-2f9d1c5e7a10"
NAME = "kvm1"
#: One thread of each of three cores: CPU 2 for QEMU's own threads, 4 and 6 for a vCPU each.
CONFIGURATION = f"""\
host:
  kvm:
    kvmclock_periodic_sync: false
    nx_huge_pages: "force"
    halt_poll_ns: 0
vms:
  {NAME}:
    uuid: {UUID}
    nr_vcpus: 2
    cpuset: 2,4,6
    rt: true
    vcpu_scheduler: {{policy: fifo, priority: 1}}
    guest_clock: ptp_kvm
"""
# The vendor: an Intel guest would use an instruction for its calls to KVM that the emulated AMD has not.
# Quiet: each character on the console leaves the guest, by emulation twice.
DOMAIN = """\
<domain type='kvm'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>192</memory>
  <vcpu placement='static'>2</vcpu>
  <features><acpi/><apic/></features>
  <cpu mode='custom' match='exact' check='none'>
    <model fallback='allow' vendor_id='AuthenticAMD'>EPYC</model>
  </cpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{image}</kernel><initrd>{root}</initrd>
    <cmdline>{arguments} quiet</cmdline></os>
  <on_reboot>destroy</on_reboot>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <interface type='ethernet'><model type='virtio'/><driver name='vhost'/></interface>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <serial type='file'><source path='/var/log/kvm1.log'/><target port='0'/></serial>
  </devices>
</domain>
"""
_POLICIES = {0: "other", 1: "fifo", 2: "rr"}


class Place(NamedTuple):
    """Where and how the kernel runs a thread."""

    cpus: str
    policy: str
    cgroup: str


class Story:
    """The guest's domain, its configuration, and the host's values from before."""

    def __init__(self, file: Path, domain: Any, before: dict[str, str]) -> None:
        self.file = str(file)
        self.domain = domain
        self.before = before

    @property
    def pid(self) -> int:
        """Of the QEMU process."""
        return int(Path(f"/run/libvirt/qemu/{NAME}.pid").read_text())

    def threads(self) -> dict[str, Place]:
        """QEMU's threads and those of the kernel that work for it, by name; workers come and go."""
        own = [f"/proc/{self.pid}/task/{name}" for name in os.listdir(f"/proc/{self.pid}/task")]
        found = {}
        for folder in (*own, *(f"/proc/{name}" for name in os.listdir("/proc") if name.isdigit())):
            with suppress(OSError):
                name = Path(folder, "comm").read_text().strip()
                if folder in own or name.startswith(("kvm-", "vhost-")):
                    found[name.replace(str(self.pid), "PID")] = _place(folder)
        return {name: place for name, place in found.items() if name != "worker"}

    def tid(self, name: str) -> int:
        """The number of the thread of QEMU's with this name."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return next(int(one.name) for one in tasks if (one / "comm").read_text().strip() == name)

    def ask(self, script: str) -> str:
        """What a shell in the guest prints."""
        # Only the lab has it for certain.
        import libvirt_qemu

        def command(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
            text = json.dumps({"execute": name, "arguments": arguments})
            answer: dict[str, Any] = json.loads(
                libvirt_qemu.qemuAgentCommand(self.domain, text, 60, 0)
            )["return"]
            return answer

        started = command(
            "guest-exec", {"path": "/bin/sh", "arg": ["-c", script], "capture-output": True}
        )
        while not (ended := command("guest-exec-status", started))["exited"]:
            time.sleep(0.2)
        return b64decode(ended.get("out-data", "")).decode()


def _place(folder: str) -> Place:
    lines = Path(folder, "status").read_text().splitlines()
    cpus = next(line for line in lines if line.startswith("Cpus_allowed_list"))
    fields = Path(folder, "stat").read_text().rpartition(")")[2].split()
    policy = _POLICIES[int(fields[38])]
    return Place(
        cpus=cpus.partition("\t")[2],
        policy=f"{policy} {fields[37]}" if policy != "other" else policy,
        cgroup=Path(folder, "cgroup").read_text().strip().removeprefix("0::"),
    )

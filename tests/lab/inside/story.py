# SPDX-License-Identifier: Apache-2.0
"""A real-time VM on the lab's host, and kvmrt's commands run in this process (starting Python takes
seconds in the lab).
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from lab.inside.button_guest import write_disk

from kvmrt_plan.cli.main import main

UUID = "5b1f0c1e-52c5-4f2a-9a5e-6b5c1d0a7e01"
NAME = "rt1"
#: CPUs of the lab that the story needs.
CPUS = 12


def configuration_of(*, cpuset: str, nr_vcpus: int) -> str:
    """A file with the VM: QEMU's own threads on the first CPU, a vCPU on each of the others."""
    return f"""\
vms:
  {NAME}:
    uuid: {UUID}
    nr_vcpus: {nr_vcpus}
    cpuset: {cpuset}
    rt: true
"""


#: One thread of each of five cores.
CONFIGURATION = configuration_of(cpuset="2,4,6,8,10", nr_vcpus=4)
#: The others of the five cores.
SIBLINGS = (3, 5, 7, 9, 11)
#: What the VM owns, and of it what it uses.
OWNED, USED = "2-11", "2,4,6,8,10"
#: What is left to the host.
HOUSEKEEPING = "0-1"
#: What the guest boots.
DISK = Path("/var/lib/libvirt/images/kvmrt-story.img")
# tb-cache: locked memory holds the emulator's code cache too, which would be 1 GiB by default.
DOMAIN = f"""\
<domain type='qemu'>
  <name>{NAME}</name>
  <uuid>{UUID}</uuid>
  <memory unit='MiB'>64</memory>
  <vcpu placement='static'>4</vcpu>
  <features><acpi/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='{DISK}'/>
      <target dev='hda' bus='ide'/>
    </disk>
    <memballoon model='none'/>
  </devices>
</domain>
"""


def make_guest(folder: Path, *, configuration: str = CONFIGURATION, domain: str = DOMAIN) -> str:
    """Define the guest, and write the configuration that is for it; where that lies."""
    # Only the lab has a libvirt's binding for certain; the simulated host's story needs none.
    import libvirt

    write_disk(DISK)
    connection = libvirt.open("qemu:///system")
    connection.defineXML(domain)
    connection.close()
    path = folder / "kvmrt.yaml"
    path.write_text(configuration)
    return str(path)


def kvmrt(*arguments: str) -> tuple[int, str]:
    """The exit code and the output of a command."""
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        status = main(arguments)
    return status, output.getvalue()


def start_kvmrt(log: Path, *arguments: str) -> int:
    """Run a command in a process of its own, which can be killed; its number."""
    process = os.fork()
    if process:
        return process
    status = 70
    try:
        with log.open("w") as file, redirect_stdout(file), redirect_stderr(file):
            status = main(arguments)
    except BaseException:  # noqa: BLE001  nothing of the parent may run on in the child
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)

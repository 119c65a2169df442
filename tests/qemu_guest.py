# SPDX-License-Identifier: Apache-2.0
"""A guest of one's own in the real libvirtd, and commands against it. Starts no daemon."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

URI = "qemu:///system"
#: libvirtd may probe QEMU anew for every definition: 32 s were measured.
SECONDS = 240

_XML = """\
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>64</memory>
  <vcpu placement='static'>2</vcpu>
  <features><acpi/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices><memballoon model='virtio'/></devices>
</domain>
"""


class Guest:
    """A domain of two vCPUs without a disk: its firmware looks for one for ever."""

    def __init__(self, connection, libvirt) -> None:
        self._libvirt = libvirt
        self.uuid = str(uuid.uuid4())
        self.name = f"kvmrt-test-{self.uuid[:8]}"
        self.domain = connection.defineXML(_XML.format(name=self.name, uuid=self.uuid))

    def definition(self) -> str:
        """The inactive XML, secrets included."""
        flags = self._libvirt.VIR_DOMAIN_XML_INACTIVE | self._libvirt.VIR_DOMAIN_XML_SECURE
        return self.domain.XMLDesc(flags)

    def pid(self) -> int:
        """Of the QEMU process."""
        wanted = self.uuid.encode()
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                arguments = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"qemu" in arguments[0] and wanted in arguments:
                return int(folder.name)
        raise AssertionError(f"no QEMU process runs {self.name}")

    def places(self) -> list[tuple[str, str]]:
        """Names of the threads with the CPUs that the kernel lets them use."""
        tasks = Path(f"/proc/{self.pid()}/task")
        return sorted(
            (
                (task / "comm").read_text().strip(),
                (task / "status").read_text().split("Cpus_allowed_list:")[1].split()[0],
            )
            for task in tasks.iterdir()
            if not (task / "comm").read_text().startswith("worker")
        )

    def remove(self) -> None:
        """Leave nothing behind."""
        if self.domain.isActive():
            self.domain.destroy()
        self.domain.undefine()


def running_guest():
    """A started guest, removed afterwards; skips where there is no libvirtd that would run one."""
    libvirt = pytest.importorskip("libvirt")
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if len(os.sched_getaffinity(0)) < 2 or not {0, 1} <= os.sched_getaffinity(0):
        pytest.skip("needs the CPUs 0 and 1")
    try:
        connection = libvirt.open(URI)
    except libvirt.libvirtError:
        pytest.skip(f"no libvirtd answers at {URI}")
    try:
        guest = Guest(connection, libvirt)
    except libvirt.libvirtError as error:
        connection.close()
        pytest.skip(f"libvirtd takes no guest of type qemu: {error}")
    try:
        guest.domain.create()
        yield guest
    finally:
        guest.remove()
        connection.close()


def kvmrt(repository: Path, *argv: str, program: str = "") -> subprocess.CompletedProcess[str]:
    """A command in a process of its own; `program` is Python to run in place of kvmrt."""
    start = ["-c", program] if program else ["-m", "kvmrt_plan"]
    return subprocess.run(
        [sys.executable, *start, *argv],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

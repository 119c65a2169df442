# SPDX-License-Identifier: Apache-2.0
"""A guest of real libvirt and QEMU: booted, looked at, shut down, and the host as it was.

The guest is SeaBIOS alone under emulation (TCG): it needs no disk, no KVM, and ignores its power button.
On a host with too few CPUs for a real-time VM it is pinned only; what a real-time VM changes of the host
is proven on simulated hosts (tests/unit/cli/test_boot.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from typing import NamedTuple

import pytest

libvirt = pytest.importorskip("libvirt")

# A libvirt that has to probe QEMU takes seconds for every definition and start.
pytestmark = pytest.mark.slow

NAME = f"kvmrt-test-boot-{os.getpid()}"
DOMAIN = """\
<domain type='qemu'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>32</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices><memballoon model='virtio'/></devices>
</domain>
"""
#: Values that kvmrt writes when it clears CPUs; in a form that needs no snapshot.
POLICIES = (
    "/sys/devices/system/cpu/online",
    "/proc/irq/default_smp_affinity",
    "/sys/devices/virtual/workqueue/cpumask",
)


class Guest(NamedTuple):
    """A defined domain, its configuration, and where kvmrt keeps its state."""

    domain: object
    file: str
    state: str

    def kvmrt(self, *argv: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        command = [sys.executable, "-m", "kvmrt_plan", argv[0], "-f", self.file, *argv[1:]]
        ran = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
            env={**os.environ, "KVMRT_STATE_DIR": self.state},
        )
        return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture
def guest(tmp_path):
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    if os.geteuid() != 0:
        pytest.skip("changes this host: needs root")
    try:
        connection = libvirt.open("qemu:///system")
    except libvirt.libvirtError:
        pytest.skip("no libvirtd answers at qemu:///system")
    identity = str(uuid.uuid4())
    domain = connection.defineXML(DOMAIN.format(name=NAME, uuid=identity))
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        domain.undefine()
        pytest.skip("one CPU is too few to pin two threads apart")
    file = tmp_path / "kvmrt.yaml"
    file.write_text(
        f"host: {{shield: none}}\n"
        f"vms:\n  {NAME}: {{uuid: {identity}, nr_vcpus: 1, cpuset: '{cpus[0]},{cpus[1]}'}}\n",
        encoding="utf-8",
    )
    yield Guest(domain, str(file), str(tmp_path / "state"))
    if domain.isActive():
        domain.destroy()
    domain.undefine()
    connection.close()


def policies() -> dict[str, str]:
    found = {}
    for path in POLICIES:
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                found[path] = file.read()
    return found


def test_a_guest_boots_onto_its_cpus_and_leaves_the_host_as_it_was(guest):
    before = policies()

    booted = guest.kvmrt("boot")
    stat = json.loads(guest.kvmrt("stat", "--json")[1])
    text = guest.kvmrt("stat", "-t")[1]
    deaf = guest.kvmrt("shutdown", "--timeout", "1")
    still = guest.domain.isActive()
    forced = guest.kvmrt("shutdown", "--timeout", "1", "--force")

    assert booted[0] == 0, booted[1]
    assert "every thread where it belongs" in booted[1]
    (vm,) = stat["vms"]
    roles = {thread["role"]: thread for thread in vm["threads"]}
    assert vm["state"] == "running"
    assert roles["vCPU 0"]["affinity"] == roles["vCPU 0"]["wanted"]
    assert roles["emulator"]["affinity"] == roles["emulator"]["wanted"]
    assert [thread for thread in vm["threads"] if thread["deviates"]] == []
    assert "CPU 0/TCG" in text
    assert (deaf[0], still) == (1, 1), deaf[1]
    assert "it has not shut down within 1 seconds" in " ".join(deaf[1].split())
    assert forced[0] == 0, forced[1]
    assert guest.domain.isActive() == 0
    assert policies() == before


def test_a_guest_that_runs_is_left_alone_and_threads_that_were_moved_are_told(guest):
    guest.kvmrt("boot")
    first = min(os.sched_getaffinity(0))
    width = guest.domain.connect().getCPUMap(0)[0]
    elsewhere = tuple(cpu == first for cpu in range(width))
    guest.domain.pinVcpuFlags(0, elsewhere, libvirt.VIR_DOMAIN_AFFECT_LIVE)

    again = guest.kvmrt("boot")
    text = guest.kvmrt("stat", "-t")[1]

    assert "runs already" in again[1]
    assert [line for line in text.splitlines() if line.startswith("!") and "CPU 0/TCG" in line]
    assert guest.kvmrt("shutdown", "--timeout", "0", "--force")[0] == 0


def test_libvirt_refusing_a_start_fails_that_vm_alone(guest):
    xml = guest.domain.XMLDesc(0).replace(
        "<devices>",
        "<devices><disk type='file' device='disk'><source file='/nonexistent/disk'/>"
        "<target dev='vda'/></disk>",
    )
    guest.domain.connect().defineXML(xml)

    code, text = guest.kvmrt("boot")

    assert code == 1
    assert f"{NAME}: FAILED: Cannot access storage file '/nonexistent/disk'" in " ".join(
        text.split()
    )
    assert guest.domain.isActive() == 0


def test_no_libvirt_is_said_and_nothing_is_written(guest):
    code, text = guest.kvmrt("boot", "--connect", "qemu+unix:///system?socket=/nonexistent")

    assert code == 1
    assert "libvirt does not answer" in text
    assert not os.path.exists(f"{guest.state}/history")

# SPDX-License-Identifier: Apache-2.0
"""A real guest (the lab's kernel, a small root in memory, QEMU's agent) is changed through libvirt.

Emulated here; tests/lab/inside_kvm has the same guest under KVM.
"""

from __future__ import annotations

import os

import pytest
from agent_guest import (
    BOOT_ARGUMENTS,
    assert_changed_once_and_given_back,
    guest_files,
    inside,
)
from lab.kernel import LabMissingError, fetch_kernel
from qemu_guest import URI
from qemu_guest import kvmrt as run_kvmrt

pytestmark = pytest.mark.lab

UUID = "0b7f3e0c-5d2e-4d0c-9a53-6f1f2a7c9e11"
_XML = """\
<domain type='qemu'>
  <name>kvmrt-agent-test</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>192</memory><vcpu>1</vcpu>
  <features><acpi/><apic/><tcg><tb-cache unit='MiB'>64</tb-cache></tcg></features>
  <cpu mode='maximum'/>
  <os><type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{image}</kernel><initrd>{root}</initrd>
    <cmdline>{arguments}</cmdline></os>
  <on_reboot>destroy</on_reboot>
  <devices><memballoon model='none'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
  </devices>
</domain>
"""


@pytest.fixture
def guest():
    libvirt = pytest.importorskip("libvirt")
    if os.geteuid() != 0:
        pytest.skip("needs root")
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    try:
        kernel = fetch_kernel("rt")
        connection = libvirt.open(URI)
    except (LabMissingError, libvirt.libvirtError) as error:
        pytest.skip(f"there is no guest: {error}")
    try:
        with guest_files(kernel) as (image, root):
            domain = connection.defineXML(
                _XML.format(uuid=UUID, image=image, root=root, arguments=BOOT_ARGUMENTS)
            )
            try:
                domain.create()
                yield domain
            finally:
                if domain.isActive():
                    domain.destroy()
                domain.undefine()
    finally:
        connection.close()


def test_a_guest_is_changed_once_and_given_back(repository, guest, tmp_path):
    file = tmp_path / "kvmrt.yaml"
    file.write_text(
        f"vms:\n  {guest.name()}: {{uuid: {UUID}, cpuset: 0-1, rt: true, guest_clock: ptp_kvm}}\n"
    )

    def kvmrt(*arguments):
        state = ("--state-dir", str(tmp_path / "state"), "--connect", URI)
        done = run_kvmrt(repository, *arguments, *state)
        return done.returncode, done.stdout + done.stderr

    assert_changed_once_and_given_back(lambda: inside(URI, UUID, 90), kvmrt, file)

# SPDX-License-Identifier: Apache-2.0
"""A real guest (the lab's kernel, a small root in memory, QEMU's agent) is changed through libvirt."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from lab.initramfs import Archive
from lab.kernel import LabMissingError, fetch_kernel
from qemu_guest import URI, kvmrt

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.guest import BLOCK_PATH, parse_guest
from kvmrt_plan.hosts.libvirt_writer import LibvirtDomains

pytestmark = pytest.mark.lab

UUID = "0b7f3e0c-5d2e-4d0c-9a53-6f1f2a7c9e11"
MODULES = ("virtio_pci", "virtio_console")
CHRONY = "/etc/chrony/chrony.conf"
_XML = """\
<domain type='qemu'>
  <name>kvmrt-agent-test</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>192</memory><vcpu>1</vcpu>
  <features><acpi/><apic/><tcg><tb-cache unit='MiB'>64</tb-cache></tcg></features>
  <cpu mode='maximum'/>
  <os><type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{image}</kernel><initrd>{root}</initrd>
    <cmdline>console=ttyS0 mitigations=off nowatchdog tsc=reliable panic=-1</cmdline></os>
  <on_reboot>destroy</on_reboot>
  <devices><memballoon model='none'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
  </devices>
</domain>
"""
_INIT = """\
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod "/modules/$module"; done
mkdir -p /dev/virtio-ports
until [ -e /dev/virtio-ports/agent ]; do
    for port in /sys/class/virtio-ports/*; do
        [ -s "$port/name" ] && ln -sf "../${port##*/}" /dev/virtio-ports/agent
    done
    sleep 0.2
done
while :; do qemu-ga -m virtio-serial -p /dev/virtio-ports/agent -t /run; sleep 1; done
"""
#: What this guest has for systemd: it remembers what chrony was told.
_SYSTEMCTL = """\
#!/bin/sh
case "$*" in
"show -P FragmentPath chrony.service") echo /lib/systemd/system/chrony.service ;;
"show "*) ;;
"-q is-enabled chrony") [ -e /run/enabled ] ;;
"-q is-active chrony") [ -e /run/active ] ;;
"enable chrony.service") : >/run/enabled ;;
"disable chrony.service") rm -f /run/enabled ;;
"start chrony.service") : >/run/active ;;
"stop chrony.service") rm -f /run/active ;;
*) exit 1 ;;
esac
"""


def small_root(kernel) -> bytes:
    agent, busybox = shutil.which("qemu-ga"), shutil.which("busybox")
    if not agent or not busybox:
        pytest.skip("needs qemu-guest-agent and busybox-static")
    archive = Archive()
    for folder in ("bin", "modules", "proc", "sys", "dev", "run", "tmp", "var", "var/lib",
                   "var/lib/chrony", "etc", "etc/chrony", "etc/modprobe.d"):  # fmt: skip
        archive.folder(folder)
    archive.file("bin/busybox", Path(busybox).read_bytes(), 0o755)
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    for applet in applets.stdout.split():
        if applet not in ("busybox", "systemctl"):
            archive.link(f"bin/{applet}", "busybox")
    archive.file("bin/qemu-ga", Path(agent).read_bytes(), 0o755)
    folders: set[str] = set()
    for library in libraries(agent):
        parts = library.strip("/").split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if folder not in folders:
                archive.folder(folder)
                folders.add(folder)
        archive.file(library.strip("/"), Path(library).read_bytes(), 0o755)
    order = module_files(kernel)
    for path in order:
        archive.file(f"modules/{path.name}", path.read_bytes())
    archive.file("modules/order", "".join(f"{path.name}\n" for path in order).encode())
    archive.file("init", _INIT.encode(), 0o755)
    archive.file("bin/systemctl", _SYSTEMCTL.encode(), 0o755)
    archive.file("run/active", b"")
    archive.file("etc/os-release", b"ID=debian\n")
    archive.file(CHRONY[1:], b"pool 2.pool.example iburst\nmakestep 1 3\n", 0o640)
    archive.file("var/lib/chrony/chrony.drift", b" 1.5 0.1\n")
    return gzip.decompress(archive.packed())


def libraries(program: str) -> list[str]:
    found = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    words = found.replace("=>", " ").split()
    return sorted({word for word in words if word.startswith("/") and Path(word).is_file()})


def module_files(kernel) -> list[Path]:
    folder = kernel.modules / kernel.version
    order: list[Path] = []
    for line in (folder / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        if Path(path).stem.split(".")[0] in MODULES:
            files = [folder / one for one in (*reversed(others.split()), path)]
            order += [one for one in files if one not in order]
    return order


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
    # QEMU runs as a user of its own, for whom pytest's folders are closed.
    folder = Path("/var/lib/libvirt/images") / f"kvmrt-agent-{os.getpid()}"
    folder.mkdir(mode=0o755)
    image, root = folder / "image", folder / "root"
    try:
        shutil.copy(kernel.image, image)
        root.write_bytes(small_root(kernel))
        for path in (image, root):
            path.chmod(0o644)
        domain = connection.defineXML(_XML.format(uuid=UUID, image=image, root=root))
        try:
            domain.create()
            yield domain
        finally:
            if domain.isActive():
                domain.destroy()
            domain.undefine()
    finally:
        shutil.rmtree(folder)
        connection.close()


def inside(seconds: float = 90.0):
    """What the guest tells, as soon as its agent answers."""
    domains = LibvirtDomains(URI)
    deadline = time.monotonic() + seconds
    while True:
        try:
            return parse_guest(domains.guest_facts(UUID))
        except WriteRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def test_a_guest_is_changed_once_and_given_back(repository, guest, tmp_path):
    before = inside()
    assert before.files[CHRONY].startswith("0640 0:0\npool")
    assert not before.is_blocked
    file = tmp_path / "kvmrt.yaml"
    file.write_text(
        f"vms:\n  {guest.name()}: {{uuid: {UUID}, cpuset: 0-1, rt: true, guest_clock: ptp_kvm}}\n"
    )
    state = ("--state-dir", str(tmp_path / "state"), "--connect", URI)

    first = kvmrt(repository, "guest", "-f", str(file), "--yes", *state)

    assert first.returncode == 0, first.stdout + first.stderr
    after = inside()
    assert after.is_blocked
    assert after.units == {"chrony": ("enabled", "stopped")}
    assert after.files == {
        CHRONY: "0640 0:0\n# pool 2.pool.example iburst\nmakestep 1 3\n"
        "refclock PHC /dev/ptp0 poll 3 dpoll -2 offset 0\n",
        "/etc/modules-load.d/ptp_kvm.conf": "0644 0:0\nptp_kvm\n",
    }, BLOCK_PATH

    second = kvmrt(repository, "guest", "-f", str(file), "--yes", *state)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "no changes" in second.stdout
    assert inside() == after

    reverted = kvmrt(repository, "revert", "--yes", *state)
    assert reverted.returncode == 0, reverted.stdout + reverted.stderr
    assert inside() == before

# SPDX-License-Identifier: Apache-2.0
"""A small guest with QEMU's agent: a kernel of the lab's, busybox, and a chrony that is never started.

It answers as soon as its agent does: after 40 s under KVM or on an idle machine, after 100 s on a busy one.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from lab.initramfs import Archive

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.guest import BLOCK_PATH, parse_guest
from kvmrt_plan.hosts.libvirt_writer import LibvirtDomains

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.kernel import Kernel

    from kvmrt_plan.facts.guest import GuestFacts

#: What the agent is reached by; a guest may have more.
MODULES = ("virtio_pci", "virtio_console")
CHRONY = "/etc/chrony/chrony.conf"
#: Of the guest's kernel.
BOOT_ARGUMENTS = "console=ttyS0 mitigations=off nowatchdog tsc=reliable panic=-1"
_INIT = """\
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod "/modules/$module"; done
[ ! -e /sys/class/net/eth0 ] || ip link set eth0 up
for input in /sys/class/input/event*; do
    grep -qs '^Power Button' "$input/device/name" || continue
    (dd if="/dev/input/${input##*/}" of=/dev/null bs=24 count=1; poweroff -f) &
done
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


class Files(NamedTuple):
    """What the guest boots from."""

    kernel: Path
    initramfs: Path


@contextmanager
def guest_files(kernel: Kernel, modules: tuple[str, ...] = MODULES) -> Iterator[Files]:
    """Files that QEMU, which runs as a user of its own, may read; gone afterwards."""
    folder = Path("/var/lib/libvirt/images") / f"kvmrt-agent-{os.getpid()}"
    folder.mkdir(mode=0o755)
    files = Files(folder / "image", folder / "root")
    try:
        shutil.copy(kernel.image, files.kernel)
        files.initramfs.write_bytes(small_root(kernel, modules))
        for path in files:
            path.chmod(0o644)
        yield files
    finally:
        shutil.rmtree(folder)


def small_root(kernel: Kernel, modules: tuple[str, ...]) -> bytes:
    """The guest's initramfs, not compressed: the guest is slower at that than at reading it."""
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
    folders: set[str] = {"bin"}
    for library in libraries(agent):
        parts = library.strip("/").split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if folder not in folders:
                archive.folder(folder)
                folders.add(folder)
        archive.file(library.strip("/"), Path(library).read_bytes(), 0o755)
    order = module_files(kernel, modules)
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
    """The files of the shared libraries that it needs."""
    found = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    words = found.replace("=>", " ").split()
    return sorted({word for word in words if word.startswith("/") and Path(word).is_file()})


def module_files(kernel: Kernel, modules: tuple[str, ...]) -> list[Path]:
    """Their files and those of all they need, what is needed first."""
    folder = kernel.modules / kernel.version
    order: list[Path] = []
    for line in (folder / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        if Path(path).stem.split(".")[0] in modules:
            files = [folder / one for one in (*reversed(others.split()), path)]
            order += [one for one in files if one not in order]
    return order


def inside(uri: str, uuid: str, seconds: float) -> GuestFacts:
    """What the guest tells, as soon as its agent answers."""
    domains = LibvirtDomains(uri)
    deadline = time.monotonic() + seconds
    while True:
        try:
            return parse_guest(domains.guest_facts(uuid))
        except WriteRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def assert_changed_once_and_given_back(
    look: Callable[[], GuestFacts], kvmrt: Callable[..., tuple[int, str]], file: Path
) -> None:
    """`kvmrt guest` twice, and a revert, for a guest that nobody has changed.

    Args:
        look: reads the guest anew.
        kvmrt: runs a command; its exit code and output.
        file: the configuration, with `rt: true` and `guest_clock: ptp_kvm`.
    """
    before = look()
    assert before.files[CHRONY].startswith("0640 0:0\npool")
    assert not before.is_blocked

    status, output = kvmrt("guest", "-f", str(file), "--yes")
    assert status == 0, output
    after = look()
    assert after.is_blocked
    assert after.units == {"chrony": ("enabled", "stopped")}
    assert after.files == {
        CHRONY: "0640 0:0\n# pool 2.pool.example iburst\nmakestep 1 3\n"
        "refclock PHC /dev/ptp0 poll 3 dpoll -2 offset 0\n",
        "/etc/modules-load.d/ptp_kvm.conf": "0644 0:0\nptp_kvm\n",
    }, BLOCK_PATH

    status, output = kvmrt("guest", "-f", str(file), "--yes")
    assert status == 0, output
    assert "no changes" in output
    assert look() == after

    status, output = kvmrt("revert", "--yes")
    assert status == 0, output
    assert look() == before

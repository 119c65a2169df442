# SPDX-License-Identifier: Apache-2.0
"""Boots the lab, runs one command in it, and hands back what came of it.

The lab is a machine in QEMU without KVM: two sockets of cores of two threads, a NUMA node each, Debian's
kernel, and this machine's root file system below an overlay in memory. Nothing that is done inside reaches
this machine, except what is written to /lab, the run's folder.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.initramfs import GUEST, make_initramfs
from lab.kernel import LabError, LabMissingError, cache_folder, fetch_kernel
from lab.kvm_module import make_kvm_module
from lab.programs import fetch_programs
from lab.shares import shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.kernel import Kernel

REPOSITORY = Path(__file__).resolve().parent.parent.parent
QEMU = "qemu-system-x86_64"
#: Vendor and model make Linux show SMT siblings and a constant TSC on an emulated CPU.
_CPU = "max,vendor=GenuineIntel,family=6,model=85,stepping=4"
# rcutree.kthread_prio: a busy FIFO thread starves the RCU threads of priority 1, and who then takes a CPU
# offline waits for good. tsc=reliable: QEMU's clocks would be judged unstable under load.
_BOOT_ARGUMENTS = (
    "console=ttyS0 panic=-1 mitigations=off nowatchdog tsc=reliable apparmor=0 "
    "rcupdate.rcu_cpu_stall_suppress=1 rcutree.kthread_prio=10"
)
#: Of the interface that has somebody behind it.
PEER_ADDRESS = "52:54:00:00:00:fe"
#: How often the lab's tests kill each kind of run.
KILLS = "KVMRT_LAB_KILLS"
FEW_KILLS = "1"
_MODULES = ("nvme", "virtio_blk", "virtio_net")
#: A boot takes 10 s, 20 with systemd; more by far when both cores are busy with something else.
_UP_SECONDS = 120
_ATTEMPTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What to boot."""

    kernel: str = "rt"
    #: systemd as PID 1, with D-Bus and machined; else bash.
    has_systemd: bool = False
    #: libvirtd is started and answers before the command runs.
    has_libvirt: bool = False
    #: An NVMe disk with a queue per CPU, a virtio disk with 4, a network interface.
    has_devices: bool = True
    #: Another network interface, PEER_ADDRESS, behind which 10.0.2.2 answers: QEMU's own network.
    has_peer: bool = False
    #: /dev/kvm is there, for guests of a CPU that says AuthenticAMD (docs/lab.md).
    has_kvm: bool = False
    #: A multiple of four: two sockets, a NUMA node each, of cores of two threads.
    cpus: int = 8
    memory_mib: int = 3072
    boot_arguments: str = ""

    @property
    def topology(self) -> str:
        """What QEMU's -smp takes."""
        return f"sockets=2,cores={self.cpus // 4},threads=2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What came of a command."""

    #: Its exit code.
    status: int
    #: What it wrote to its standard output and error.
    output: str
    #: The run's folder; what the command left in /lab is here.
    folder: Path
    #: Seconds of the lab's own clock until the command could begin.
    up_seconds: float
    #: Seconds of ours, from the start of QEMU to its end.
    total_seconds: float


def run_in_lab(
    machine: Machine,
    command: str,
    *,
    seconds: float,
    folder: Path | None = None,
    follow: Callable[[str], None] | None = None,
) -> Ended:
    """Boot, run a command of bash in the checkout, switch off.

    Args:
        machine: what to boot.
        command: lines for bash.
        seconds: how long the whole may take; then QEMU is killed.
        folder: /lab inside; a new temporary folder by default.
        follow: is called with the output while it grows.

    Raises:
        LabMissingError: QEMU, a kernel or what KVM needs is not to be had here.
        LabError: it did not come up twice, or did not end in time.
    """
    if shutil.which(QEMU) is None:
        raise LabMissingError(f"{QEMU} (Debian's package qemu-system-x86)")
    kernel = fetch_kernel(machine.kernel)
    initramfs = make_initramfs(kernel)
    run = folder or Path(tempfile.mkdtemp(prefix="kvmrt-lab-"))
    run.mkdir(parents=True, exist_ok=True)
    _prepare(run, machine, command)
    if machine.has_kvm:
        shutil.copy(make_kvm_module(kernel), run)
    for attempt in range(1, _ATTEMPTS + 1):
        ended = _attempt(machine, kernel, initramfs, run, _Patience(seconds, follow))
        if ended is not None:
            _keep_capabilities(machine, run)
            return ended
        shutil.copy(run / "console", run / f"console.{attempt}")
    raise LabError(f"the lab did not come up, {_ATTEMPTS} times; see {run}/console.*")


def _prepare(run: Path, machine: Machine, command: str) -> None:
    """Fill the folder that is /lab inside."""
    (run / "command").write_text(command + "\n")
    settings = {
        "LAB_MODULES": " ".join(_MODULES) if machine.has_devices else "",
        "LAB_LIBVIRT": "1" if machine.has_libvirt else "",
        "LAB_KVM": "1" if machine.has_kvm else "",
        "LAB_FOLDER": str(REPOSITORY),
        # Tests inside know by it what they should find.
        "KVMRT_LAB_KERNEL": machine.kernel,
        # Guests inside boot a kernel of the cache too.
        "KVMRT_LAB_CACHE": str(cache_folder()),
        "KVMRT_LAB_KILLS": os.environ.get(KILLS, FEW_KILLS),
    }
    lines = (f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
    (run / "settings").write_text("".join(lines))
    shutil.copytree(GUEST, run / "guest", dirs_exist_ok=True)
    if machine.has_systemd:
        fetch_programs(run / "programs")
    capabilities = _capabilities(machine)
    if capabilities.is_dir():
        shutil.copytree(capabilities, run / "capabilities", dirs_exist_ok=True)


def _capabilities(machine: Machine) -> Path:
    """What libvirt found out with KVM it does not believe where there is none."""
    return cache_folder() / ("capabilities-kvm" if machine.has_kvm else "capabilities")


def _keep_capabilities(machine: Machine, run: Path) -> None:
    """What libvirt found out about QEMU spares the next lab 6 s."""
    found = run / "capabilities"
    if found.is_dir() and any(found.iterdir()):
        shutil.copytree(found, _capabilities(machine), dirs_exist_ok=True)


@dataclass(slots=True)
class _Patience:
    """How long a run may take, and who watches it."""

    seconds: float
    follow: Callable[[str], None] | None
    shown: int = 0

    def look(self, output: Path) -> None:
        if self.follow is None or not output.exists():
            return
        with output.open("rb") as file:
            file.seek(self.shown)
            content = file.read()
        self.shown += len(content)
        if content:
            self.follow(content.decode(errors="replace"))


def _attempt(
    machine: Machine, kernel: Kernel, initramfs: Path, run: Path, patience: _Patience
) -> Ended | None:
    """One boot; None when it did not come up."""
    for name in ("status", "output", "up", "console"):
        (run / name).unlink(missing_ok=True)
    (run / "console").touch()
    begin = time.monotonic()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kvmrt-lab-")))
        words = _qemu(machine, kernel, initramfs, run, scratch)
        words += stack.enter_context(shared(kernel, run, scratch))
        log = stack.enter_context((run / "qemu.log").open("wb"))
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        stack.callback(process.wait)
        stack.callback(process.kill)
        while process.poll() is None:
            elapsed = time.monotonic() - begin
            if elapsed > _UP_SECONDS and not (run / "up").exists():
                return None
            if elapsed > patience.seconds:
                raise LabError(
                    f"the lab did not end within {patience.seconds:.0f} s; see {run}:\n"
                    + _read(run / "output")[-3000:] + _read(run / "console")[-1500:]
                )  # fmt: skip
            time.sleep(0.1)
            patience.look(run / "output")
    patience.look(run / "output")
    return _ended(run, time.monotonic() - begin)


def _ended(run: Path, total: float) -> Ended | None:
    if not (run / "up").exists():
        return None
    status = _read(run / "status").strip()
    if not status:
        raise LabError(
            f"the lab switched off before the command had ended; see {run}\n"
            + _read(run / "qemu.log") + _read(run / "console")[-3000:]
        )  # fmt: skip
    return Ended(
        status=int(status),
        output=_read(run / "output"),
        folder=run,
        up_seconds=float(_read(run / "up")),
        total_seconds=total,
    )


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _qemu(machine: Machine, kernel: Kernel, initramfs: Path, run: Path, scratch: Path) -> list[str]:
    half, cpus = machine.memory_mib // 2, machine.cpus
    arguments = [_BOOT_ARGUMENTS, machine.boot_arguments]
    if machine.has_systemd:
        arguments.append("lab.systemd")
    if not kernel.has_module("9pnet_virtio"):
        arguments.append("lab.virtiofs")
    words = [
        QEMU, "-name", "kvmrt-lab", "-machine", "q35", "-accel", "tcg,thread=multi,tb-size=1024",
        "-cpu", _CPU, "-smp", f"{cpus},{machine.topology}", "-m", str(machine.memory_mib),
        "-nodefaults", "-display", "none", "-vga", "none", "-no-reboot",
        "-serial", f"file:{run}/console",
        "-kernel", str(kernel.image), "-initrd", str(initramfs), "-append", " ".join(arguments),
    ]  # fmt: skip
    for node in (0, 1):
        first, last = node * cpus // 2, (node + 1) * cpus // 2 - 1
        # A memfd, shared: virtiofsd reads and writes the lab's memory.
        words += ["-object", f"memory-backend-memfd,id=m{node},size={half}M,share=on",
                  "-numa", f"node,nodeid={node},cpus={first}-{last},memdev=m{node}"]  # fmt: skip
    words += ["-numa", "dist,src=0,dst=1,val=20"]
    if machine.has_devices:
        words += _devices(scratch, cpus)
    if machine.has_peer:
        words += ["-netdev", "user,id=peer",
                  "-device", f"virtio-net-pci,netdev=peer,mac={PEER_ADDRESS}"]  # fmt: skip
    return words


def _devices(scratch: Path, queues: int) -> list[str]:
    """A queue of the NVMe disk for each CPU: their interrupts are bound to one CPU each."""
    for name in ("nvme", "virtio"):
        with (scratch / f"{name}.raw").open("wb") as disk:
            disk.truncate(64 << 20)
    return [
        "-drive", f"file={scratch}/nvme.raw,format=raw,if=none,id=nv",
        "-device", f"nvme,drive=nv,serial=lab,max_ioqpairs={queues}",
        "-drive", f"file={scratch}/virtio.raw,format=raw,if=none,id=vb",
        "-device", "virtio-blk-pci,drive=vb,num-queues=4",
        *_network(),
    ]  # fmt: skip


def _network() -> list[str]:
    """Four queue pairs where a tap device can be made (it vanishes with QEMU), else one."""
    if os.geteuid() == 0 and os.access("/dev/net/tun", os.R_OK | os.W_OK):
        backend = f"tap,id=n0,ifname=lab{os.getpid()},script=no,downscript=no,queues=4,vhost=off"
        return ["-netdev", backend, "-device", "virtio-net-pci,netdev=n0,mq=on,vectors=10"]
    return ["-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0"]

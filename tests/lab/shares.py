# SPDX-License-Identifier: Apache-2.0
"""How the lab sees files of this machine: over 9p, or over virtiofs where a kernel has no 9p (Debian's
cloud kernel). Tags: `root` is this machine's /, read-only; `modules`, read-only; `lab`, the run's folder.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lab.kernel import LabError, LabMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.kernel import Kernel

#: Debian 12 has QEMU's own daemon, later ones a separate package.
_DAEMONS = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd", "/usr/lib/virtiofsd")
_SOCKET_SECONDS = 10


@contextmanager
def shared(kernel: Kernel, run: Path, scratch: Path) -> Iterator[list[str]]:
    """QEMU's arguments for the three shares, while the daemons behind them run."""
    folders = {"root": Path("/"), "modules": kernel.modules, "lab": run}
    if kernel.has_module("9pnet_virtio"):
        yield [word for tag, path in folders.items() for word in _plan9(tag, path)]
        return
    with ExitStack() as stack:
        words = []
        for tag, path in folders.items():
            words += stack.enter_context(_virtiofs(tag, path, scratch))
        yield words


def _plan9(tag: str, path: Path) -> list[str]:
    options = "" if tag == "lab" else ",readonly=on"
    # multidevs=remap: files of several file systems below / would share inode numbers.
    return [
        "-fsdev", f"local,id={tag},path={path},security_model=none,multidevs=remap{options}",
        "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}",
    ]  # fmt: skip


@contextmanager
def _virtiofs(tag: str, path: Path, scratch: Path) -> Iterator[list[str]]:
    daemon = next((one for one in _DAEMONS if os.access(one, os.X_OK)), None)
    if daemon is None:
        raise LabMissingError("virtiofsd, for a kernel without 9p")
    socket = scratch / f"{tag}.socket"
    options = f"source={path},sandbox=chroot,cache={'auto' if tag == 'lab' else 'always'}"
    with (scratch / f"{tag}.log").open("wb") as log:
        process = subprocess.Popen(
            [daemon, "-f", f"--socket-path={socket}", "-o", options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _await_socket(socket, process)
        yield [
            "-chardev", f"socket,id=c-{tag},path={socket}",
            "-device", f"vhost-user-fs-pci,chardev=c-{tag},tag={tag}",
        ]  # fmt: skip
    finally:
        process.kill()
        process.wait()


def _await_socket(socket: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SOCKET_SECONDS
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise LabError(f"virtiofsd made no {socket.name}: see its log beside it")
        time.sleep(0.05)

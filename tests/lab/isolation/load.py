# SPDX-License-Identifier: Apache-2.0
"""What keeps the host busy while is counted: tasks that compute, tasks that begin and end, disks, network.

Each is a child of this process, named in /proc/PID/comm, and without CPUs of its own: it may run where the
kernel lets it.
"""

from __future__ import annotations

import mmap
import os
import signal
import socket
import struct
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: The lab's disks, and what QEMU's own network answers at.
VIRTIO_DISK, NVME_DISK = "/dev/vda", "/dev/nvme0n1"
PEER = "10.0.2.2"
_DISK_BYTES = 32 << 20
_BLOCK = 64 << 10
_ECHO_REQUEST = 8


class Load:
    """Processes that are stopped while something else is prepared, and ended with the block."""

    def __init__(self) -> None:
        self._processes: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end(tuple(self._processes))

    def start(self, *works: Callable[[], None]) -> tuple[int, ...]:
        """More processes, each doing a work without end, and stopped until `resume`."""
        begun = []
        for work in works:
            process = os.fork()
            if not process:
                _endless(work)
            os.waitpid(process, os.WUNTRACED)
            begun.append(process)
        self._processes += begun
        return tuple(begun)

    def end(self, processes: Sequence[int]) -> None:
        """These are gone."""
        for process in processes:
            os.kill(process, signal.SIGKILL)
        for process in processes:
            os.waitpid(process, 0)
            self._processes.remove(process)

    def resume(self) -> None:
        """All go on."""
        for process in self._processes:
            os.kill(process, signal.SIGCONT)

    def pause(self) -> None:
        """All stand still; one that has ended by itself is an error of the lab."""
        for process in self._processes:
            os.kill(process, signal.SIGSTOP)
            _, status = os.waitpid(process, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                raise RuntimeError(f"a load has ended: process {process}, wait status {status}")


def _endless(work: Callable[[], None]) -> None:
    """The life of a child: named, stopped at first, and never back in its parent's code."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
        with open("/proc/self/comm", "w") as file:
            file.write(f"load-{work.__name__}"[:15])
        os.kill(os.getpid(), signal.SIGSTOP)
        while True:
            work()
    except BaseException as error:  # noqa: BLE001  nothing of the parent may run on in the child
        os.write(2, f"load {work.__name__}: {error!r}\n".encode())
    finally:
        os._exit(1)


def busy() -> None:
    """Computes."""
    for _ in range(1_000_000):
        pass


def forks() -> None:
    """Tasks that are born and die: each chooses a CPU anew."""
    os.waitpid(os.posix_spawn("/bin/true", ["/bin/true"], {}), 0)
    time.sleep(0.01)


def writes() -> None:
    """Pages that the kernel's flusher threads write, and a wait for the disk."""
    disk = os.open(VIRTIO_DISK, os.O_WRONLY)
    try:
        for offset in range(0, _DISK_BYTES, _BLOCK):
            os.pwrite(disk, b"\x5a" * _BLOCK, offset)
            if offset % (16 * _BLOCK) == 0:
                os.fsync(disk)
    finally:
        os.close(disk)


def reads() -> None:
    """Reads past the page cache: an interrupt each, on the CPU that asked."""
    disk = os.open(NVME_DISK, os.O_RDONLY | os.O_DIRECT)
    try:
        with mmap.mmap(-1, 4096) as page:
            for offset in range(0, _DISK_BYTES, _BLOCK):
                os.preadv(disk, [page], offset)
    finally:
        os.close(disk)


def pings() -> None:
    """Echo requests, and an interrupt for each answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as end:
        end.settimeout(0.05)
        for number in range(1000):
            head = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, os.getpid() & 0xFFFF, number)
            whole = head[:2] + struct.pack("!H", _checksum(head)) + head[4:]
            end.sendto(whole, (PEER, 0))
            try:
                end.recv(256)
            except TimeoutError:
                continue


def _checksum(packet: bytes) -> int:
    """Of the internet's protocols (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

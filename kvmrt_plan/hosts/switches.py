# SPDX-License-Identifier: Apache-2.0
"""Counts context switches of single CPUs: a software event of the kernel's, one descriptor per CPU.

/proc/stat has one sum for all CPUs, and /proc/schedstat counts only where schedstats are switched on. The
event costs nothing but a read of eight bytes, and needs root, CAP_PERFMON or a perf_event_paranoid of 0
(perf_event_open(2)).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The system call's number: the C library has no function for it (arch/*/include, asm-generic/unistd.h).
_SYSCALLS = {
    "x86_64": 298, "aarch64": 241, "riscv64": 241, "loongarch64": 241, "ppc64le": 319, "s390x": 331,
}  # fmt: skip
#: linux/perf_event.h: type, size of the first version of the struct, config; the rest is 0.
_SOFTWARE, _SIZE, _CONTEXT_SWITCHES = 1, 64, 3
_CLOSE_ON_EXEC = 8


class SwitchCounter:
    """Counters that are open until `close`; `problem` says why there are none ("" when there are)."""

    def __init__(self, cpus: Iterable[int]) -> None:
        self.problem = ""
        self._descriptors: dict[int, int] = {}
        self.watch(cpus)

    def watch(self, cpus: Iterable[int]) -> None:
        """Counts on these CPUs from now on, those of before that are among them without a gap.

        A CPU that was offline has to be left out once: its counter ended, and is opened anew after.
        """
        wanted = set(cpus)
        for cpu in self._descriptors.keys() - wanted:
            os.close(self._descriptors.pop(cpu))
        self.problem = ""
        self._open(sorted(wanted - self._descriptors.keys()))

    def _open(self, cpus: Iterable[int]) -> None:
        number = _SYSCALLS.get(os.uname().machine)
        if number is None:
            self.problem = "not known how to ask this processor's kernel"
            return
        attributes = struct.pack("=IIQ", _SOFTWARE, _SIZE, _CONTEXT_SWITCHES).ljust(_SIZE, b"\0")
        call = ctypes.CDLL(None, use_errno=True).syscall
        for cpu in cpus:
            made = call(
                number, ctypes.c_char_p(attributes), -1, cpu, -1, ctypes.c_ulong(_CLOSE_ON_EXEC)
            )
            if made >= 0:
                self._descriptors[cpu] = made
            elif ctypes.get_errno() != errno.ENODEV:  # an offline CPU has none
                self.problem = f"{os.strerror(ctypes.get_errno())}; root may"

    def read(self) -> dict[int, int]:
        """The count of each CPU since it was opened; nothing of a counter that has ended."""
        raw = {cpu: os.read(descriptor, 8) for cpu, descriptor in self._descriptors.items()}
        return {cpu: struct.unpack("=Q", one)[0] for cpu, one in raw.items() if len(one) == 8}

    def close(self) -> None:
        """Gives the counters back."""
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors.clear()

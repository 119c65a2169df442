# SPDX-License-Identifier: Apache-2.0
"""libvirt's domains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from kvmrt_plan.facts.processes import MemlockLimit
    from kvmrt_plan.values.cpuset import CpuSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One thread of a running VM's QEMU process."""

    tid: int
    #: As the kernel has it: `CPU 0/KVM`, `IO iothread1`, `worker`.
    name: str
    affinity: CpuSet
    #: The policy's name in sched(7) (`SCHED_OTHER`, `SCHED_FIFO`), and its real-time priority.
    policy: str
    priority: int
    last_cpu: int
    #: A thread of the kernel that works for the guest: `kvm-pit/812`, before Linux 6.4 `vhost-812`.
    is_kernel: bool = False
    #: Of a kernel thread, in the unified hierarchy: its cgroup, and that of QEMU's main thread. None: not
    #: known, or CPUs are given by cgroup v1.
    cgroup: str | None = None
    home: str | None = None

    @property
    def is_outside(self) -> bool:
        """Whether it lives in another cgroup than the guest's own threads."""
        return self.cgroup is not None and self.home is not None and self.cgroup != self.home


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One libvirt domain with its XML texts."""

    uuid: UUID
    name: str
    #: libvirt's word: `running`, `paused`, `shut off`, ...
    state: str
    is_persistent: bool
    has_autostart: bool
    #: The inactive definition, in libvirt's normal form ("" for a transient domain).
    xml: str
    #: The definition the running guest was started with and has now; "" when it does not run.
    live_xml: str
    threads: tuple[Thread, ...] = ()
    #: RLIMIT_MEMLOCK of the QEMU process; None when it does not run or may not be read.
    memlock: MemlockLimit | None = None
    #: Memory that the process has locked (VmLck); None when it does not run or may not be read.
    locked_kib: int | None = None

    @property
    def is_running(self) -> bool:
        """Whether a QEMU process exists, paused or not."""
        return bool(self.live_xml)

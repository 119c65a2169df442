# SPDX-License-Identifier: Apache-2.0
"""What the core asks of the outside: a host, its libvirt, and a place for what must survive a crash.

Implementations live in `hosts/`. Each method names the error it raises; nothing else may come out of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kvmrt_plan.desired.model import Probe
    from kvmrt_plan.facts.domain import Thread
    from kvmrt_plan.facts.kthreads import KernelThread
    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.values.cpuset import CpuSet

#: Called before and after every write, fsync, rename and unlink with what it is. Tests stop the process
#: in it, or let the system call fail.
Boundary: TypeAlias = "Callable[[str], None]"


class Domains(Protocol):
    """libvirt's domains, by UUID in canonical form. Every method raises WriteRefusedError when libvirt
    refuses, with libvirt's text.
    """

    def definition(self, uuid: str) -> str:
        """The inactive XML with passwords (VIR_DOMAIN_XML_SECURE): what is edited must hold them, or
        defining it would drop them.
        """

    def define(self, xml: str) -> None:
        """VirDomainDefineXMLFlags with VIR_DOMAIN_DEFINE_VALIDATE: an element that libvirt does not
        know is an error and not dropped in silence.
        """

    def name(self, uuid: str) -> str:
        """The domain's name."""

    def rename(self, uuid: str, name: str) -> None:
        """virDomainRename; the domain must be shut off."""

    def has_autostart(self, uuid: str) -> bool:
        """VirDomainGetAutostart."""

    def set_autostart(self, uuid: str, *, is_on: bool) -> None:
        """VirDomainSetAutostart."""

    def live_definition(self, uuid: str) -> str:
        """The XML of the running guest, "" when it does not run."""

    def pin(self, uuid: str, key: str, cpus: CpuSet) -> None:
        """Move threads of the running guest: `vcpupin 0`, `emulatorpin`, `iothreadpin 1`."""

    def state(self, uuid: str) -> str:
        """What `virsh domstate` prints: `running`, `paused`, `shut off`, ..."""

    def start(self, uuid: str) -> None:
        """VirDomainCreate; when it returns the guest runs. May be called from several threads."""

    def shutdown(self, uuid: str) -> None:
        """Press the guest's power button (VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN), and do not wait."""

    def destroy(self, uuid: str) -> None:
        """VirDomainDestroy: the guest is gone at once, like a machine without power."""

    def guest_facts(self, uuid: str) -> str:
        """What the guest's agent tells of its inside, as `facts/guest.py` reads it."""

    def replace_guest_file(self, uuid: str, path: str, value: str | None) -> None:
        """A file inside the guest is the one described, or gone (None)."""

    def set_guest(self, uuid: str, setting: str, value: str) -> None:
        """Bring a setting inside the guest to a value: `module/virtio_balloon`, `unit/chrony`."""

    def threads(self, uuid: str) -> tuple[Thread, ...]:
        """The threads of the guest's QEMU process; empty when it does not run."""


class Threads(Protocol):
    """Single threads of a host, by number. Every method raises WriteRefusedError with the errno's name: ESRCH
    when there is no such thread.
    """

    def kernel_thread(self, name: str) -> KernelThread | None:
        """The thread of the kernel that has this name now, as `facts.kthreads` names it."""

    def set_cpus(self, tid: int, cpus: CpuSet) -> None:
        """Where it may run, by sched_setaffinity(2). EINVAL: the kernel has bound it to its CPU, or its
        cgroup has none of these.
        """

    def set_scheduling(self, tid: int, policy: str, priority: int) -> None:
        """`fifo` or another word of `values.threadvalue`, by sched_setscheduler(2)."""

    def move(self, tid: int, cgroup: str) -> None:
        """Into a cgroup of the unified hierarchy. EOPNOTSUPP, EINVAL: the kernel does not let it in."""


class Host(Protocol):
    """A machine, real or simulated. Paths are absolute, as on the machine itself."""

    @property
    def name(self) -> str:
        """The host's name, as its snapshots carry it."""

    @property
    def domains(self) -> Domains:
        """Libvirt on this host."""

    @property
    def threads(self) -> Threads:
        """Its threads."""

    def capture(self) -> Snapshot:
        """All raw texts that facts are parsed from."""

    def read(self, path: str) -> str | None:
        """The text at the path, None when there is none.

        Raises:
            WriteRefusedError: it exists and cannot be read.
        """

    def write(self, path: str, text: str) -> None:
        """Change a file of the kernel's that exists, by one system call.

        Raises:
            WriteRefusedError: with the errno's name.
        """

    def exchange(self, path: str, choose: Callable[[str | None], str | None]) -> str | None:
        """Read the text at the path, write what `choose` makes of it (None: nothing) by one system call,
        and return what is read last.

        Raises:
            WriteRefusedError: as `read` and `write`.
        """

    def set_allowed_cpus(self, unit: str, cpus: CpuSet) -> None:
        """`systemctl set-property --runtime UNIT AllowedCPUs=...`.

        Raises:
            WriteRefusedError: systemd refused, or the unit's cgroup does not show the value.
        """

    def set_allowed_nodes(self, unit: str, nodes: CpuSet) -> None:
        """`systemctl set-property --runtime UNIT AllowedMemoryNodes=...`.

        Raises:
            WriteRefusedError: systemd refused.
        """

    def make_slice(self, unit: str, cpus: CpuSet) -> None:
        """Start the top-level slice and set its AllowedCPUs=, until the next boot.

        Raises:
            WriteRefusedError: systemd refused.
        """

    def remove_slice(self, unit: str) -> None:
        """Stop the top-level slice and forget its settings.

        Raises:
            WriteRefusedError: processes run in it, which stopping it would kill; or systemd refused.
        """

    def task_place(self) -> str | None:
        """Where the host's tasks are among the cpusets of cgroup v1, in the words of `facts/cpusets.py`;
        None: there are no such cpusets.
        """

    def make_cpuset(self, cpus: CpuSet) -> None:
        """Make the cpuset of the host's tasks, with these CPUs and the memory of the root.

        Raises:
            WriteRefusedError: with the errno's name.
        """

    def remove_cpuset(self) -> None:
        """Remove the cpuset of the host's tasks.

        Raises:
            WriteRefusedError: tasks are in it.
        """

    def move_tasks(self, *, is_confined: bool) -> None:
        """All tasks of the root that can be moved go into the cpuset, or all of the cpuset to the root.

        Raises:
            WriteRefusedError: the kernel refuses to move one.
        """

    def balancer_ban(self) -> CpuSet | None:
        """CPUs that the running irqbalance leaves alone; None when none answers."""

    def set_balancer_ban(self, cpus: CpuSet) -> None:
        """Tell the running irqbalance to leave these CPUs alone; it does when this returns.

        Raises:
            WriteRefusedError: none answers, or it does not take them over.
        """

    def read_file(self, path: str) -> str | None:
        """A configuration file with its mode and owner, as `values.filevalue` writes them down;
        None when there is none.

        Raises:
            WriteRefusedError: it is no regular file, or cannot be read.
        """

    def replace_file(self, path: str, value: str | None) -> None:
        """The file is the one that is described, or gone (None); never anything between.

        Raises:
            WriteRefusedError: with the errno's name.
        """

    def boot_files(self) -> Mapping[str, str]:
        """The boot loader's settings, entries and menu by path; a folder ends in a slash."""

    def update_boot(self, loader: str, *, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        """Have the boot loader's own tool take over boot arguments; which program that is stands in a
        closed table (`facts.kernel_args.Loader`).

        Raises:
            WriteRefusedError: the tool is not installed, or fails.
        """

    def restart_service(self, unit: str) -> None:
        """`systemctl restart UNIT`, for RedHawk's shield.service alone.

        Raises:
            WriteRefusedError: it is another unit, or systemd refuses.
        """

    def is_enabled(self, unit: str) -> bool:
        """Whether systemd starts the unit at boot.

        Raises:
            WriteRefusedError: systemd does not say.
        """

    def set_enabled(self, unit: str, *, is_on: bool) -> None:
        """`systemctl enable UNIT`, or disable.

        Raises:
            WriteRefusedError: systemd refuses.
        """


class Prober(Protocol):
    """Asks whether something works."""

    def failure(self, probe: Probe) -> str:
        """Why the probe fails, "" when it passes. Takes no longer than the probe's timeout."""


class StateStore(Protocol):
    """A folder of small files that only root may read. Names are relative, with `/` between parts."""

    def read(self, name: str) -> bytes | None:
        """The whole file, None when there is none."""

    def append(self, name: str, content: bytes) -> None:
        """Add to the file; on disk (fsync) when it returns."""

    def replace(self, name: str, content: bytes) -> None:
        """The file holds this content or what it held before, never anything between."""

    def rename(self, name: str, new_name: str) -> None:
        """Move the file; on disk when it returns."""

    def truncate(self, name: str, size: int) -> None:
        """Cut the file after `size` bytes."""

    def remove(self, name: str) -> None:
        """Delete the file, if it is there."""

    def names(self, folder: str) -> tuple[str, ...]:
        """Sorted names in the folder; empty when there is none."""

    def place_of(self, name: str) -> str:
        """The file as people find it."""

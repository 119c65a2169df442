# SPDX-License-Identifier: Apache-2.0
"""This machine, or a tree that looks like one (`root`, for tests and benchmarks)."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
import time
from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.cpusets import HIERARCHY
from kvmrt_plan.facts.irqbalance import parse_answer
from kvmrt_plan.hosts.boot_tools import read_boot_files, update_boot
from kvmrt_plan.hosts.capture import capture_live
from kvmrt_plan.hosts.cpusets import TaskCpuset
from kvmrt_plan.hosts.irqbalance import read_answer, write_ban
from kvmrt_plan.hosts.libvirt_domains import read_libvirt
from kvmrt_plan.hosts.libvirt_writer import LibvirtDomains
from kvmrt_plan.hosts.lock import held_locks
from kvmrt_plan.hosts.owned_files import read_owned, replace_owned, wanted_link
from kvmrt_plan.hosts.threads import LiveThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.values.cpuset import CpuSet

#: The kernel's text at such a path is gone, or was never there.
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESRCH, errno.ENODEV, errno.ENXIO})
_LIMIT_BYTES = 1 << 20
#: Enough for nearly every text; a buffer of the limit costs more than the reading.
_CHUNK_BYTES = 4096
_SYSTEMCTL_SECONDS = 60
_POPULATED = "processes run in it: the guest has to be shut down first"


class LiveHost:
    """A `Host` over the files of this machine, systemd, and libvirt at a URI."""

    def __init__(self, *, uri: str | None, root: str = "", name: str | None = None) -> None:
        self._uri = uri
        self._root = root.rstrip("/")
        self.name = name or os.uname().nodename
        self._domains = LibvirtDomains(uri or "", root=self._root)
        self._threads = LiveThreads(self._root)
        self._cpuset = TaskCpuset(self._root + HIERARCHY)

    @property
    def domains(self) -> LibvirtDomains:
        """Libvirt at the URI."""
        return self._domains

    @property
    def threads(self) -> LiveThreads:
        """Of this machine."""
        return self._threads

    def capture(self) -> Snapshot:
        """All raw texts, and libvirt's domains when there is a URI."""
        return capture_live(
            captured=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            name=self.name,
            libvirt=read_libvirt(self._uri) if self._uri else None,
            sys_root=self._root or "/",
        )

    def read(self, path: str) -> str | None:
        """The text of a kernel file, None when it is not there."""
        try:
            descriptor = os.open(self._root + path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return _text_of(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise WriteRefusedError.of(path, error) from error

    def write(self, path: str, text: str) -> None:
        """Change a file that exists, by one system call; the kernel's answer is the outcome."""
        try:
            # O_TRUNC is ignored by the kernel's files, and makes a test tree hold just the value.
            descriptor = os.open(self._root + path, os.O_WRONLY | os.O_CLOEXEC | os.O_TRUNC)
            try:
                os.write(descriptor, text.encode() + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise WriteRefusedError.of(path, error) from error

    def exchange(self, path: str, choose: Callable[[str | None], str | None]) -> str | None:
        """Read, write and read again through one descriptor: half the system calls of three openings."""
        try:
            descriptor = os.open(self._root + path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            if error.errno not in _ABSENT:
                raise WriteRefusedError.of(path, error) from error
            if (text := choose(None)) is not None:
                self.write(path, text)
            return self.read(path)
        try:
            present = _text_of(descriptor)
            text = choose(present)
            if text is None:
                return present
            return self._replace(descriptor, present, text)
        except OSError as error:
            raise WriteRefusedError.of(path, error) from error
        finally:
            os.close(descriptor)

    def _replace(self, descriptor: int, present: str, text: str) -> str:
        content = text.encode() + b"\n"
        if self._root and len(present) > len(content):
            # Only an ordinary file, in a test tree, keeps what lies behind the new value.
            os.ftruncate(descriptor, len(content))
        # Not pwrite(2), which the kernel refuses for files of /proc (seq_open clears FMODE_PWRITE).
        os.write(descriptor, content)
        return _text_of(descriptor)

    def set_allowed_cpus(self, unit: str, cpus: CpuSet) -> None:
        """Until the next boot, through systemd: writing the cgroup behind its back would be undone."""
        _run(_allowing(unit, cpus), unit)

    def set_allowed_nodes(self, unit: str, nodes: CpuSet) -> None:
        """As the CPUs; the kernel moves the unit's memory before this returns."""
        _run(("systemctl", "set-property", "--runtime", unit, f"AllowedMemoryNodes={nodes}"), unit)

    def make_slice(self, unit: str, cpus: CpuSet) -> None:
        """Started first: a slice without CPUs confines nothing, CPUs without the slice would wait in a
        drop-in for whoever starts it.
        """
        _run_together((("systemctl", "start", unit), _allowing(unit, cpus)), unit)

    def remove_slice(self, unit: str) -> None:
        """Only when its cgroup says that nothing lives in it: stopping a slice kills what does."""
        events = self.read(f"/sys/fs/cgroup/{unit}/cgroup.events") or ""
        if "populated 1" in events.splitlines():
            raise WriteRefusedError(unit, _POPULATED)
        _run_together((("systemctl", "revert", unit), ("systemctl", "stop", unit)), unit)

    def task_place(self) -> str | None:
        """By the lists of tasks."""
        return self._cpuset.place()

    def make_cpuset(self, cpus: CpuSet) -> None:
        """A folder and its files."""
        self._cpuset.make(cpus)

    def remove_cpuset(self) -> None:
        """A folder."""
        self._cpuset.remove()

    def move_tasks(self, *, is_confined: bool) -> None:
        """One by one."""
        if is_confined:
            self._cpuset.confine()
        else:
            self._cpuset.release()

    def balancer_ban(self) -> CpuSet | None:
        """By its answer to `setup`."""
        answer = read_answer(self._root)
        return parse_answer(answer[1]) if answer else None

    def set_balancer_ban(self, cpus: CpuSet) -> None:
        """By `settings cpus`, without restarting it: that would move every interrupt."""
        write_ban(cpus, self._root)

    def read_file(self, path: str) -> str | None:
        """A configuration file with its mode and owner."""
        return read_owned(self._root + path)

    def replace_file(self, path: str, value: str | None) -> None:
        """Written beside and renamed, or removed."""
        replace_owned(self._root + path, value)

    def boot_files(self) -> dict[str, str]:
        """Of this machine, now."""
        return read_boot_files(self._root)

    def update_boot(self, loader: str, *, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        """Through the program of the closed table; a test tree has none to run."""
        update_boot(loader, added=added, removed=removed, root=self._root)

    def restart_service(self, unit: str) -> None:
        """Through systemctl; no other unit than RedHawk's is ever restarted."""
        if unit != "shield.service":
            raise WriteRefusedError(unit, "is no service that kvmrt restarts")
        _run(("systemctl", "restart", unit), unit)

    def is_enabled(self, unit: str) -> bool:
        """By the link that `systemctl enable` makes: it is there whether systemd runs or not."""
        return os.path.lexists(self._root + wanted_link(unit))

    def set_enabled(self, unit: str, *, is_on: bool) -> None:
        """Through systemctl, which also makes systemd read its units again."""
        where = (f"--root={self._root}",) if self._root else ()
        _run(("systemctl", *where, "enable" if is_on else "disable", unit), unit)


def _allowing(unit: str, cpus: CpuSet) -> Sequence[str]:
    return "systemctl", "set-property", "--runtime", unit, f"AllowedCPUs={cpus}"


def _run_together(commands: Sequence[Sequence[str]], target: str) -> None:
    """One after the other as long as they succeed, from a process of their own: when this one is killed
    in between, they are made in full all the same, and who recovers waits for them.
    """
    _run(("sh", "-c", " && ".join(map(shlex.join, commands))), target)


def _run(command: Sequence[str], target: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  fixed programs, arguments from the address table
            command,
            capture_output=True,
            text=True,
            timeout=_SYSTEMCTL_SECONDS,
            check=False,
            pass_fds=held_locks(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WriteRefusedError(target, f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise WriteRefusedError(target, f"{' '.join(command)}: {done.stderr.strip()}")


def _text_of(descriptor: int) -> str:
    content = os.pread(descriptor, _CHUNK_BYTES, 0)
    if len(content) == _CHUNK_BYTES:
        content = os.pread(descriptor, _LIMIT_BYTES, 0)
    return content.decode("utf-8", "surrogateescape")

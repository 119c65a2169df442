# SPDX-License-Identifier: Apache-2.0
"""Captures the texts of a host: of this machine, or of a captured tree (`--root DIR`).

Needs no rights; `tree.py` tells how what cannot be read is recorded.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kvmrt_plan.facts.cpusets import TASKS
from kvmrt_plan.facts.snapshot import Snapshot
from kvmrt_plan.facts.task import is_movable_kthread
from kvmrt_plan.hosts import captured_paths as paths
from kvmrt_plan.hosts.cpusets import TaskCpuset
from kvmrt_plan.hosts.irqbalance import read_answer
from kvmrt_plan.hosts.tree import Tree, branch, check_root, is_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kvmrt_plan.facts.snapshot import RawLibvirt


def capture_live(
    *,
    captured: str,
    name: str | None = None,
    libvirt: RawLibvirt | None = None,
    sys_root: str = "/",
    with_checks: bool = False,
) -> Snapshot:
    """The texts of this machine, together with what libvirt said; named after the host by default.

    `with_checks` adds what only host checks look at.

    Raises:
        HostError: `sys_root` is no folder with /sys or /proc in it.
    """
    named = name or os.uname().nodename
    tree = _read(sys_root, with_checks=with_checks)
    return _snapshot(tree, name=named, captured=captured, libvirt=libvirt)


def capture_root(root: str, *, name: str, captured: str, with_checks: bool = False) -> Snapshot:
    """The texts of a tree with `sys/` and `proc/` in it, such as an sosreport or a test host.

    Raises:
        HostError: `root` is no folder with sys or proc in it.
    """
    tree = _read(root, with_checks=with_checks)
    return _snapshot(tree, name=name, captured=captured, libvirt=None)


def _read(root: str, *, with_checks: bool) -> Tree:
    check_root(root)
    tree = Tree(root)
    tree.walk("", branch(paths.PATTERNS))
    answer = read_answer(root.rstrip("/"))
    if answer is not None:
        tree.files[answer[0]] = answer[1]
    if root.rstrip("/") == "" and (place := TaskCpuset().place()) is not None:
        tree.files[TASKS] = f"{place}\n"
    if not with_checks:
        _capture_processes(tree, paths.DAEMON_PATTERNS)
        return tree
    tree.walk("", branch(paths.CHECK_PATTERNS))
    _capture_processes(tree, paths.CHECK_DAEMON_PATTERNS)
    _capture_kernel_options(tree)
    # Only checks read texts of which a part is enough.
    from kvmrt_plan.facts.excerpts import excerpt

    tree.files.update({path: excerpt(path, text) for path, text in tree.files.items()})
    return tree


def _capture_kernel_options(tree: Tree) -> None:
    """The configuration that the running kernel was built with, where distributions put it."""
    release = tree.files.get("/proc/sys/kernel/osrelease", "").strip()
    if release and "/" not in release:
        tree.read(f"/boot/config-{release}")


def _snapshot(tree: Tree, *, name: str, captured: str, libvirt: RawLibvirt | None) -> Snapshot:
    return Snapshot(
        name=name,
        captured=captured,
        files=tree.files,
        links=tree.links,
        unreadable=tree.unreadable,
        libvirt=libvirt,
    )


def capture_guest_processes(root: str = "/") -> Snapshot:
    """The texts of QEMU processes alone: what has to be read again while a guest's threads move."""
    tree = Tree(root)
    _capture_processes(tree, paths.DAEMON_PATTERNS, with_kthreads=False)
    return Snapshot(name="", captured="", files=tree.files)


def capture_kthreads(root: str = "/", *, tid: int | None = None) -> Snapshot:
    """The texts of the kernel's threads alone, or of the one with this number."""
    tree = Tree(root)
    numbers = (entry.name for entry in tree.scan("/proc") if is_number(entry.name))
    for number in numbers if tid is None else (str(tid),):
        name = (tree.text(f"/proc/{number}/comm") or "").rstrip("\n")
        _capture_kthread(tree, f"/proc/{number}", name)
    return Snapshot(name="", captured="", files=tree.files)


def _capture_processes(
    tree: Tree, daemon_patterns: Iterable[str], *, with_kthreads: bool = True
) -> None:
    daemon, qemu = branch(daemon_patterns), branch(paths.QEMU_PATTERNS)
    guest_kthread = branch(paths.GUEST_KTHREAD_PATTERNS)
    for entry in tree.scan("/proc"):
        if not is_number(entry.name):
            continue
        folder = f"/proc/{entry.name}"
        name = (tree.text(f"{folder}/comm") or "").rstrip("\n")
        if name.startswith(paths.GUEST_KTHREAD_PREFIXES):
            tree.walk(folder, guest_kthread)
        elif with_kthreads:
            _capture_kthread(tree, folder, name)
        if name in paths.DAEMONS or name.startswith(paths.QEMU_PREFIX):
            tree.read(f"{folder}/comm")
            tree.walk(folder, daemon if name in paths.DAEMONS else qemu)


def _capture_kthread(tree: Tree, folder: str, name: str) -> None:
    """Of a thread of the kernel what its priority and place are; nothing of a process."""
    if name.startswith(paths.KTHREAD_PREFIXES):
        tree.read(f"{folder}/stat")
    elif name and not name.startswith(paths.BOUND_KTHREAD_PREFIXES):
        stat = tree.text(f"{folder}/stat")
        if stat and is_movable_kthread(stat):
            tree.files[f"{folder}/stat"] = stat
            tree.read(f"{folder}/status")

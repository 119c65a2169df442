# SPDX-License-Identifier: Apache-2.0
"""Captures the texts of a host: of this machine, or of a captured tree (`--root DIR`).

Needs no rights; `tree.py` tells how what cannot be read is recorded.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kvmrt_plan.facts.snapshot import Snapshot
from kvmrt_plan.hosts.captured_paths import (
    DAEMON_PATTERNS,
    DAEMONS,
    PATTERNS,
    QEMU_PATTERNS,
    QEMU_PREFIX,
)
from kvmrt_plan.hosts.tree import Tree, branch, check_root, is_number

if TYPE_CHECKING:
    from kvmrt_plan.facts.snapshot import RawLibvirt


def capture_live(
    *,
    captured: str,
    name: str | None = None,
    libvirt: RawLibvirt | None = None,
    sys_root: str = "/",
) -> Snapshot:
    """The texts of this machine, together with what libvirt said; named after the host by default.

    Raises:
        HostError: `sys_root` is no folder with /sys or /proc in it.
    """
    return _capture(sys_root, name=name or os.uname().nodename, captured=captured, libvirt=libvirt)


def capture_root(root: str, *, name: str, captured: str) -> Snapshot:
    """The texts of a tree with `sys/` and `proc/` in it, such as an sosreport or a test host.

    Raises:
        HostError: `root` is no folder with sys or proc in it.
    """
    return _capture(root, name=name, captured=captured, libvirt=None)


def _capture(root: str, *, name: str, captured: str, libvirt: RawLibvirt | None) -> Snapshot:
    check_root(root)
    tree = Tree(root)
    tree.walk("", branch(PATTERNS))
    _capture_processes(tree)
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
    _capture_processes(tree)
    return Snapshot(name="", captured="", files=tree.files)


def _capture_processes(tree: Tree) -> None:
    daemon, qemu = branch(DAEMON_PATTERNS), branch(QEMU_PATTERNS)
    for entry in tree.scan("/proc"):
        if not is_number(entry.name):
            continue
        folder = f"/proc/{entry.name}"
        name = (tree.text(f"{folder}/comm") or "").rstrip("\n")
        if name in DAEMONS or name.startswith(QEMU_PREFIX):
            tree.read(f"{folder}/comm")
            tree.walk(folder, daemon if name in DAEMONS else qemu)

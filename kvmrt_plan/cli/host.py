# SPDX-License-Identifier: Apache-2.0
"""The host that a command works on: a simulated one, a captured tree, or this machine."""

from __future__ import annotations

import os
import time

from kvmrt_plan.errors import HostError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.facts.texts import Texts


def read_host(arguments: argparse.Namespace, *, with_checks: bool = False) -> Snapshot:
    """The simulated host, the captured tree, or this machine; with what host checks need if asked.

    Raises:
        KvmrtError: the snapshot or tree cannot be read.
    """
    if arguments.host is not None:
        return _read_snapshot(arguments)
    from kvmrt_plan.hosts.capture import capture_live, capture_root

    captured = _utc(time.time())
    name = getattr(arguments, "name", None)
    if arguments.root is not None:
        _refuse_connect(arguments, "--root")
        fallback = os.path.basename(os.path.abspath(arguments.root))
        # When the tree was captured, not when it is read: the same tree gives the same bytes.
        captured = _utc(os.stat(arguments.root).st_mtime) if os.path.exists(arguments.root) else ""
        return capture_root(
            arguments.root, name=name or fallback, captured=captured, with_checks=with_checks
        )
    libvirt = None
    if hasattr(arguments, "connect") and not getattr(arguments, "no_libvirt", False):
        from kvmrt_plan.hosts.libvirt_domains import DEFAULT_URI, read_libvirt

        libvirt = read_libvirt(arguments.connect or DEFAULT_URI)
        if arguments.connect is not None and libvirt.problem:
            raise HostError(
                f"libvirt at {libvirt.uri} does not answer: {libvirt.problem}",
                "start its daemon, or name another with --connect",
            )
    return capture_live(captured=captured, name=name, libvirt=libvirt, with_checks=with_checks)


def read_part(
    arguments: argparse.Namespace, patterns: tuple[str, ...], *, keeps_counts: bool = False
) -> Texts:
    """Of a machine or a captured tree only what the patterns name, which is quick; a snapshot whole.

    Raises:
        KvmrtError: the snapshot or tree cannot be read.
    """
    if arguments.host is not None:
        return _read_snapshot(arguments)
    from kvmrt_plan.hosts.tree import read_texts

    return read_texts(arguments.root or "/", patterns, keeps_counts=keeps_counts)


def _read_snapshot(arguments: argparse.Namespace) -> Snapshot:
    _refuse_connect(arguments, "--host")
    return read_simulated(arguments.host)


def read_simulated(path: str) -> Snapshot:
    """The simulated host as it is now, with what kvmrt holds of it.

    Raises:
        KvmrtError: the snapshot cannot be read.
    """
    from kvmrt_plan.hosts.simulated.log import read_snapshot_file
    from kvmrt_plan.hosts.site import Location, simulated_with_state

    return simulated_with_state(read_snapshot_file(path), Location(snapshot=path))


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _refuse_connect(arguments: argparse.Namespace, option: str) -> None:
    if getattr(arguments, "connect", None) is not None:
        raise UsageError(
            f"--connect does not go together with {option}",
            "a snapshot holds the domains that libvirt had when it was taken",
        )

# SPDX-License-Identifier: Apache-2.0
"""The programs that make a boot loader take over changed arguments: a closed table.

A plan names a loader and tokens, never a program. What each does: grub-mkconfig(8), update-grub(8),
grubby(8), rpm-ostree(1), kernel-install(8).
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.kernel_args import KERNEL_CMDLINE, Loader, boot_files
from kvmrt_plan.hosts.captured_paths import BOOT_PATTERNS
from kvmrt_plan.hosts.lock import held_locks
from kvmrt_plan.hosts.owned_files import read_owned, replace_owned
from kvmrt_plan.hosts.tree import Tree, branch
from kvmrt_plan.values.boot_tokens import tokens_with, tokens_without
from kvmrt_plan.values.filevalue import format_file, parse_file

if TYPE_CHECKING:
    from collections.abc import Callable

#: Programs of the administrator are looked for where root finds them, whatever the caller's PATH is.
SEARCHED = "/usr/sbin:/usr/bin:/sbin:/bin"
#: grub-mkconfig looks at every disk for other systems; rpm-ostree makes a deployment.
_SECONDS = 300

_Command = tuple[str, ...]


def _grubby(added: _Command, removed: _Command) -> _Command:
    options = (
        *([f"--remove-args={' '.join(removed)}"] if removed else []),
        *([f"--args={' '.join(added)}"] if added else []),
    )
    return ("grubby", "--update-kernel=ALL", *options)


def _rpm_ostree(added: _Command, removed: _Command) -> _Command:
    return (
        "rpm-ostree", "kargs",
        *(f"--delete-if-present={one}" for one in removed),
        *(f"--append-if-missing={one}" for one in added),
    )  # fmt: skip


def _kernel_install(_added: _Command, _removed: _Command) -> _Command:
    release = os.uname().release
    return ("kernel-install", "add", release, f"/lib/modules/{release}/vmlinuz")


_COMMANDS: dict[str, Callable[[_Command, _Command], _Command]] = {
    "grub-drop-in": lambda _added, _removed: ("update-grub",),
    "grub-defaults": lambda _added, _removed: ("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"),
    "grubby": _grubby,
    "rpm-ostree": _rpm_ostree,
    "kernel-install": _kernel_install,
}


def boot_command(loader: str, *, added: _Command, removed: _Command) -> _Command:
    """The command for a loader of the table.

    Raises:
        WriteRefusedError: there is no such loader.
    """
    if loader not in _COMMANDS:
        raise WriteRefusedError("boot/arguments", f"{loader!r} is no boot loader that kvmrt knows")
    return _COMMANDS[loader](added, removed)


def run_boot_command(command: _Command, *, searched: str = SEARCHED) -> None:
    """Run it to its end.

    Raises:
        WriteRefusedError: it is not installed, fails, or does not end.
    """
    name, target = command[0], "boot/arguments"
    environment = {**os.environ, "PATH": searched, "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(  # noqa: S603  from the table above
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            pass_fds=held_locks(),
        )
    except FileNotFoundError:
        raise WriteRefusedError(target, f"{name} is not installed") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WriteRefusedError(target, f"{name}: {error}") from error
    if done.returncode != 0:
        said = done.stderr.strip().rpartition("\n")[2] or f"exit status {done.returncode}"
        raise WriteRefusedError(target, f"{name}: {said}")


def read_boot_files(root: str) -> dict[str, str]:
    """The boot loader's settings, entries and menu, below the root."""
    tree = Tree(root or "/")
    tree.walk("", branch(BOOT_PATTERNS))
    return boot_files(tree.files, tree.links)


def update_boot(
    loader: str, *, added: tuple[str, ...], removed: tuple[str, ...], root: str = ""
) -> None:
    """Run the tool of this machine's boot loader.

    Raises:
        WriteRefusedError: it is not installed or fails, or the root is not this machine's.
    """
    command = boot_command(loader, added=added, removed=removed)
    if root:
        raise WriteRefusedError("boot/arguments", f"{command[0]} cannot be run for a tree")
    if loader == Loader.KERNEL_INSTALL:
        _edit_cmdline(added, removed)
    run_boot_command(command)


def _edit_cmdline(added: tuple[str, ...], removed: tuple[str, ...]) -> None:
    value = read_owned(KERNEL_CMDLINE)
    if value is None:
        raise WriteRefusedError(
            KERNEL_CMDLINE, "is not there: write the arguments of /proc/cmdline into it first"
        )
    present = parse_file(value)
    line = tokens_with(tokens_without(present.content.rstrip("\n"), removed), added)
    if f"{line}\n" != present.content:
        replace_owned(KERNEL_CMDLINE, format_file(replace(present, content=f"{line}\n")))

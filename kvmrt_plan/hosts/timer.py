# SPDX-License-Identifier: Apache-2.0
"""A command that runs later, whatever becomes of the process that asked for it.

With systemd it is a transient timer (systemd-run(1)), which outlives sessions and their control groups.
Without systemd, or without the right to ask it, a detached process sleeps and becomes the command. Neither
holds anything of the caller: no lock, no terminal, no descriptor.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from kvmrt_plan.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Exists where systemd is the init system: sd_booted(3).
_SYSTEMD = "/run/systemd/system"
_ASKING_SECONDS = 30

#: The shell leaves at once and its child, orphaned and in a session of its own, waits. A shell and not a
#: fork of this process: that one holds libvirt's connection and may have threads.
_WAITER = '( sleep "$1"; shift; exec "$@" ) </dev/null >/dev/null 2>&1 &'


def start_timer(name: str, seconds: float, command: Sequence[str]) -> None:
    """Run the command after so many seconds.

    Args:
        name: of the unit, for those who look for it; letters, digits and `-`.
        seconds: from now.
        command: program and arguments; paths are absolute, since it runs in `/`.

    Raises:
        HostError: no timer could be started.
    """
    environment = _environment(os.environ)
    if os.path.isdir(_SYSTEMD) and os.geteuid() == 0:
        asking = systemd_command(name, seconds, command, environment)
        _run(asking, environment)
    else:
        _run(("/bin/sh", "-c", _WAITER, name, f"{seconds:.3f}", *command), environment)


def systemd_command(
    name: str, seconds: float, command: Sequence[str], environment: Mapping[str, str]
) -> tuple[str, ...]:
    """How systemd is asked. Its own accuracy would be a minute."""
    path = environment.get("PYTHONPATH")
    return (
        "systemd-run",
        "--quiet",
        "--collect",
        f"--unit={name}",
        f"--on-active={seconds:.3f}s",
        "--timer-property=AccuracySec=100ms",
        *((f"--setenv=PYTHONPATH={path}",) if path else ()),
        "--",
        *command,
    )


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The caller's, with paths that hold in another working directory."""
    environment = dict(inherited)
    path = environment.get("PYTHONPATH")
    if path:
        environment["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, path.split(os.pathsep)))
    return environment


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603  no shell sees a value: they are arguments
            command,
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            timeout=_ASKING_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(command, str(error)) from error
    if done.returncode != 0:
        raise _failed(command, done.stderr.decode(errors="replace").strip())


def _failed(command: Sequence[str], reason: str) -> HostError:
    return HostError(
        f"the timer of --confirm cannot be started: {command[0]}: {reason}",
        "nothing was changed; mend this, or apply without --confirm",
    )

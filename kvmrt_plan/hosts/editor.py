# SPDX-License-Identifier: Apache-2.0
"""The user's editor on a copy of a file, in the same folder and readable by nobody else.

The copy keeps the file's suffix, so that editors know its notation, and begins with a dot.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from typing import TYPE_CHECKING

from kvmrt_plan.errors import HostError

if TYPE_CHECKING:
    from types import FrameType

#: What is started when neither VISUAL nor EDITOR says what to start; POSIX has vi.
_FALLBACK = "vi"
_IGNORED = (signal.SIGINT, signal.SIGQUIT)


def write_copy(path: str, content: bytes) -> str:
    """Make the copy and return its path.

    Raises:
        HostError: it cannot be made.
    """
    folder, name = os.path.split(os.path.realpath(path))
    stem, suffix = os.path.splitext(name[:200])
    copy = os.path.join(folder, f".{stem}.kvmrt-edit-{os.urandom(4).hex()}{suffix}")
    try:
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        raise HostError(
            f"a copy to edit cannot be made at {copy}: {error.strerror}",
            "run as a user who may write in that folder",
        ) from error
    return copy


def remove_copy(copy: str) -> None:
    """Delete the copy, if it is there."""
    try:
        os.unlink(copy)
    except FileNotFoundError:
        return
    except OSError as error:
        raise HostError(f"{copy} cannot be removed: {error.strerror}", "remove it") from error


def edit_file(path: str) -> None:
    """Run the editor on the file and wait for it.

    Raises:
        HostError: there is no such program, it ended with an error or was killed.
    """
    asked = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _FALLBACK
    try:
        command = [*shlex.split(asked), path]
    except ValueError as error:
        raise _failed(asked, str(error)) from error
    # Ctrl-C at the terminal goes to the editor and to us: only the editor knows what it means. A
    # function, unlike SIG_IGN, is not inherited by the editor.
    before = {number: signal.signal(number, _leave_to_editor) for number in _IGNORED}
    try:
        code = subprocess.run(command, check=False).returncode  # noqa: S603  the user's own choice
    except OSError as error:
        raise _failed(asked, error.strerror or str(error)) from error
    finally:
        for number, action in before.items():
            signal.signal(number, action)
    if code < 0:
        raise _failed(asked, f"killed by signal {-code}")
    if code > 0:
        raise _failed(asked, f"exit code {code}")


def _leave_to_editor(_number: int, _frame: FrameType | None) -> None:
    """Nothing."""


def _failed(asked: str, problem: str) -> HostError:
    return HostError(
        f"the editor {asked!r} failed ({problem}); nothing was changed",
        "name another one in VISUAL or EDITOR",
    )

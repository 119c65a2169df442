# SPDX-License-Identifier: Apache-2.0
r"""A configuration file as one text: mode, owner, group, then its content.

>>> format_file(FileValue(mode=0o644, uid=0, gid=0, content="[Unit]"))
'0644 0:0\n[Unit]'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"([0-7]{4}) ([0-9]{1,10}):([0-9]{1,10})\n(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileValue:
    """What a plan changes of a file, all of it."""

    mode: int
    uid: int
    gid: int
    content: str


def format_file(value: FileValue) -> str:
    """The text."""
    return f"{value.mode:04o} {value.uid}:{value.gid}\n{value.content}"


def parse_file(text: str) -> FileValue:
    """The file.

    Raises:
        ValueError: the text has not this form.
    """
    matched = _FORM.fullmatch(text)
    if matched is None:
        raise ValueError(f"{text[:40]!r} is no mode, owner and content of a file")
    return FileValue(
        mode=int(matched[1], 8), uid=int(matched[2]), gid=int(matched[3]), content=matched[4]
    )

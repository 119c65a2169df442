# SPDX-License-Identifier: Apache-2.0
"""Boot arguments as tokens: `key=value`, or a bare `key`, in a line of them.

The kernel takes dashes and underscores in a key for the same (kernel/params.c, parameq), and keeps blanks
that stand between quotes. Edits of a line touch single tokens; every other byte of it stays.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What kvmrt itself writes: nothing in it means anything to a shell, to GRUB's scripts or to kernel-install.
TOKEN_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(=[A-Za-z0-9_.,:/@+%-]+)?$"  # noqa: S105  no password
_TOKEN = re.compile(TOKEN_PATTERN[1:-1])
_WORD = re.compile(r'(?:[^\s"]|"[^"]*"?)+')


def is_token(text: str) -> bool:
    """Whether kvmrt may write the text as a boot argument."""
    return _TOKEN.fullmatch(text) is not None


def split_tokens(line: str) -> tuple[str, ...]:
    """The tokens of a line.

    >>> split_tokens('ro dyndbg="file a.c +p" quiet')
    ('ro', 'dyndbg="file a.c +p"', 'quiet')
    """
    return tuple(_WORD.findall(line))


def key_of(token: str) -> str:
    """What a token sets, in the spelling that is compared.

    >>> key_of("vfio-pci.ids=10de:1db4")
    'vfio_pci.ids'
    """
    return token.partition("=")[0].replace("-", "_")


def value_of(token: str) -> str:
    """The value without quotes; "" for a bare key."""
    return token.partition("=")[2].strip('"')


def tokens_with(line: str, tokens: Iterable[str]) -> str:
    """The line with tokens that it lacks at its end.

    >>> tokens_with("ro quiet", ["nosmt", "quiet"])
    'ro quiet nosmt'
    """
    present = set(split_tokens(line))
    missing = [one for one in tokens if one not in present]
    return " ".join(filter(None, (line, *missing)))


def tokens_without(line: str, tokens: Iterable[str]) -> str:
    """The line without the tokens, each with the blank that stands before it.

    >>> tokens_without("ro  nosmt quiet", ["nosmt"])
    'ro  quiet'
    """
    gone = set(tokens)
    for found in reversed(list(_WORD.finditer(line))):
        if found[0] in gone:
            start, end = found.span()
            if start > 0:
                start -= 1
            elif end < len(line):
                end += 1
            line = line[:start] + line[end:]
    return line

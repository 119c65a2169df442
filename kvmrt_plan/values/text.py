# SPDX-License-Identifier: Apache-2.0
"""Text from outside, made safe for a terminal.

Names of VMs, interfaces, processes and files come from people and from the kernel and may hold escape
sequences, line breaks or characters that reorder a line. Whatever is printed passes through
`escape_text`, which keeps every visible character and spells out the rest.
"""

from __future__ import annotations

import unicodedata

#: Unicode categories that a terminal acts on or does not show: control, format, surrogate, private
#: use, unassigned, line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def escape_text(text: str) -> str:
    r"""The text with every character that is not visible spelled out.

    >>> escape_text("vm\x1b[2J\u202e")
    'vm\\x1b[2J\\u202e'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(character) for character in text)


def has_control_characters(text: str, *, allowed: str = "") -> bool:
    """Whether the text holds a character that `escape_text` would spell out, save those allowed."""
    if text.isascii() and text.isprintable():
        return False
    return any(
        unicodedata.category(character) in _UNSEEN and character not in allowed
        for character in text
    )


def _escape(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"

# SPDX-License-Identifier: Apache-2.0
"""Bytes of a configuration file to text: size, encoding, characters that no line may hold.

What comes out has line feeds as its only line ends and no control character but tabs; everything
else was found and reported, and removed only so that the rest of the file can be checked as well.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.values.text import escape_text

if TYPE_CHECKING:
    from kvmrt_plan.desired.problems import Problems

#: A VM takes about half a kilobyte; 4 MiB are thousands of them.
MAX_CONFIGURATION_BYTES = 4 * 1024 * 1024
MAX_LINES = 200_000

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
#: Cc control, Cf format (also what reorders a line), Cs surrogates, Zl and Zp separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"


def decode_text(content: bytes, problems: Problems) -> str | None:
    """The text of a file, or None when it makes no sense to read on."""
    if len(content) > MAX_CONFIGURATION_BYTES:
        problems.add(
            codes.FILE,
            None,
            summary=f"the file has {len(content)} bytes, more than {MAX_CONFIGURATION_BYTES}",
            remedy="name the configuration file of kvmrt; it has a few kilobytes",
        )
        return None
    text = _decode(content, problems)
    if text is None:
        return None
    if text.count("\n") > MAX_LINES:
        problems.add(
            codes.FILE,
            None,
            summary=f"the file has more than {MAX_LINES} lines",
            remedy="name the configuration file of kvmrt; it has some dozen lines for each VM",
        )
        return None
    return _without_control_characters(_with_plain_line_ends(text, problems), problems)


def refused_characters(text: str) -> list[str]:
    r"""The characters of a text that no value may hold, each once; tab and line feed are allowed."""
    if text.isascii():
        return sorted(set(_CONTROL.findall(text))) if not text.isprintable() else []
    return sorted(
        character for character in set(text) if character not in "\n\t" and is_refused(character)
    )


def is_refused(character: str) -> bool:
    """Whether neither a terminal nor libvirt's XML could be given the character."""
    # U+FFFE and U+FFFF, in every plane, are no characters at all; XML refuses the first pair.
    return (
        unicodedata.category(character) in _REFUSED_CATEGORIES or ord(character) & 0xFFFE == 0xFFFE
    )


def _decode(content: bytes, problems: Problems) -> str | None:
    if content.startswith(_UTF16_MARKS) or _looks_like_utf16(content):
        problems.add(
            codes.ENCODING,
            1,
            summary="the file is UTF-16, not UTF-8",
            remedy="convert it: iconv -f UTF-16 -t UTF-8",
        )
        return None
    if content.startswith(_UTF8_MARK):
        problems.add(
            codes.ENCODING,
            1,
            summary="the file begins with a byte order mark (bytes 0 to 2, ef bb bf)",
            remedy="save it as UTF-8 without a byte order mark",
        )
        content = content[len(_UTF8_MARK) :]
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        return _decode_damaged(content, error, problems)


def _looks_like_utf16(content: bytes) -> bool:
    head = content[:64]
    return len(head) >= 8 and (not any(head[1::2]) or not any(head[0::2]))


def _decode_damaged(content: bytes, error: UnicodeDecodeError, problems: Problems) -> str | None:
    byte = content[error.start]
    line = content.count(b"\n", 0, error.start) + 1
    problems.add(
        codes.ENCODING,
        line,
        summary=f"byte {error.start} (0x{byte:02x}) is not UTF-8",
        remedy="save the file as UTF-8; if it is Latin-1: iconv -f LATIN1 -t UTF-8",
    )
    # A file with NUL bytes as well is no text at all: more findings would be noise.
    return None if b"\0" in content else content.decode("utf-8", "replace")


def _with_plain_line_ends(text: str, problems: Problems) -> str:
    if "\r" not in text:
        return text
    pairs = text.count("\r\n")
    if pairs:
        line = text.count("\n", 0, text.index("\r\n")) + 1
        problems.add(
            codes.CONTROL_CHARACTER,
            line,
            summary=f"line ends are CR LF instead of LF, first on line {line} ({pairs} in all)",
            remedy="save the file with Unix line ends: sed -i 's/\\r$//'",
        )
        text = text.replace("\r\n", "\n")
    if "\r" in text:
        line = text.count("\n", 0, text.index("\r")) + 1
        problems.add(
            codes.CONTROL_CHARACTER,
            line,
            summary=f"carriage return (\\x0d) within line {line}",
            remedy="end every line with a line feed only",
        )
    return text.replace("\r", "\n")


def _without_control_characters(text: str, problems: Problems) -> str:
    refused = refused_characters(text)
    for character in refused:
        line = text.count("\n", 0, text.index(character)) + 1
        name = unicodedata.name(character, "")
        problems.add(
            codes.CONTROL_CHARACTER,
            line,
            summary=f"control character {escape_text(character)}{name and f' ({name})'}"
            f" on line {line} ({text.count(character)} in all)",
            remedy="remove it; no attribute needs it",
        )
    return text.translate(dict.fromkeys(map(ord, refused))) if refused else text

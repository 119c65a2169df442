# SPDX-License-Identifier: Apache-2.0
"""INI text to sections and entries with line numbers; what an attribute means is decided elsewhere.

KVM-RT reads its file with Python's configparser (no interpolation, strict). For every text that
configparser accepts, the sections and values here are the same (tests/property/test_desired.py holds
the two against each other). Unlike it, this goes on after a problem and knows each entry's lines.

The rules: a line that begins with `#` or `;` is a comment, also amid a value; a line that is indented
deeper than the line its entry began on continues the value; blank lines belong to the value they
follow, unless nothing comes after them; keys are in lower case; `=` or `:` ends a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.problems import quote

if TYPE_CHECKING:
    from kvmrt_plan.desired.problems import Problems

COMMENT_MARKS = ("#", ";")

_HEADER = re.compile(r"\[(.+)\]")
_DELIMITER = re.compile("[=:]")
_SYNTAX_REMEDY = "write `name = value`, indent it to go on with the value above, or begin it with #"


@dataclass(slots=True)
class IniEntry:
    """One `key = value`; lines count from 1, `last_line` is the last that is not blank."""

    key: str
    parts: list[str]
    line: int
    last_line: int

    @property
    def value(self) -> str:
        """The value: its lines without indentation, and without blank lines at the end."""
        if len(self.parts) == 1:
            return self.parts[0]
        return "\n".join(self.parts).rstrip()


@dataclass(slots=True)
class IniSection:
    """A section with its entries in the order of the file, repeated keys included."""

    title: str
    line: int
    entries: list[IniEntry] = field(default_factory=list)


def lex_ini(text: str, problems: Problems) -> list[IniSection]:
    """The sections of a text; lines that are nothing are reported and left out."""
    lexer = _Lexer(problems)
    for number, line in enumerate(text.split("\n"), start=1):
        lexer.take(number, line)
    lexer.finish()
    return lexer.sections


class _Lexer:
    """The state between two lines: the section and entry that are open, and how deep it began."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.sections: list[IniSection] = []
        self.entry: IniEntry | None = None
        self.indent = 0
        self.stray_lines: list[int] = []

    def take(self, number: int, line: str) -> None:
        stripped = line.strip()
        if not stripped:
            if self.entry is not None:
                self.entry.parts.append("")
        elif not stripped.startswith(COMMENT_MARKS):
            indent = len(line) - len(line.lstrip())
            if self.entry is not None and indent > self.indent:
                self.entry.parts.append(stripped)
                self.entry.last_line = number
            else:
                self.indent = indent
                self._take_start(number, stripped)

    def finish(self) -> None:
        """Report the lines before the first section, as one problem."""
        if self.stray_lines:
            first = self.stray_lines[0]
            self.problems.add(
                codes.SYNTAX,
                first,
                summary=f"attributes stand before the first section"
                f" (line {first} is the first, {len(self.stray_lines)} in all)",
                remedy="begin with a section whose title is the VM's UUID: [UUID]",
            )

    def _take_start(self, number: int, stripped: str) -> None:
        header = _HEADER.match(stripped)
        if header:
            self.sections.append(IniSection(header[1], number))
            self.entry = None
        elif not self.sections:
            self.stray_lines.append(number)
        else:
            self._take_entry(number, stripped)

    def _take_entry(self, number: int, stripped: str) -> None:
        delimiter = _DELIMITER.search(stripped)
        key = stripped[: delimiter.start()].rstrip() if delimiter else ""
        if delimiter is None or not key:
            closing = "close the section's title with ]" if stripped.startswith("[") else ""
            self.problems.add(
                codes.SYNTAX,
                number,
                summary=f"{quote(stripped)} is neither a section, an attribute nor a comment",
                remedy=closing or _SYNTAX_REMEDY,
            )
            return
        value = stripped[delimiter.end() :].strip()
        self.entry = IniEntry(key.lower(), [value], number, number)
        self.sections[-1].entries.append(self.entry)

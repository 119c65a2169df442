# SPDX-License-Identifier: Apache-2.0
"""Findings about a configuration file that cannot be used as it is: stable codes and their texts.

Every one is an error with a place and a remedy. Readers add to one `Problems` and go on, so that a
single run names all of them; a code that occurs very often (a binary file read as text) is cut off
after `SHOWN_PER_CODE` findings and the rest is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity, Source, sort_findings
from kvmrt_plan.values.text import escape_text

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "KR001"
ENCODING = "KR002"
CONTROL_CHARACTER = "KR003"
SYNTAX = "KR004"
DUPLICATE = "KR005"
UNKNOWN_ATTRIBUTE = "KR006"
BAD_VALUE = "KR007"
BAD_CPULIST = "KR008"
MISSING_ATTRIBUTE = "KR009"
EMPTY_FILE = "KR010"
YAML_FEATURE = "KR011"
UNSAYABLE = "KR012"

#: Every code of this package with its title, in order; the documentation is generated from it.
CATALOGUE = (
    (FILE, "The configuration file cannot be used"),
    (ENCODING, "The file is not UTF-8 text"),
    (CONTROL_CHARACTER, "The file holds a control character"),
    (SYNTAX, "A line is neither INI nor YAML"),
    (DUPLICATE, "A section, VM or attribute stands there twice"),
    (UNKNOWN_ATTRIBUTE, "An attribute is unknown"),
    (BAD_VALUE, "A value has the wrong type or lies outside its range"),
    (BAD_CPULIST, "A list of CPUs or NUMA nodes cannot be read"),
    (MISSING_ATTRIBUTE, "A required attribute is missing"),
    (EMPTY_FILE, "The file describes no VM"),
    (YAML_FEATURE, "The file uses a part of YAML that is not accepted"),
    (UNSAYABLE, "A libvirt domain cannot be taken over into the file"),
)

#: So many findings of one code tell the story; the rest would bury the others.
SHOWN_PER_CODE = 40

_QUOTED_CHARACTERS = 60


def quote(text: str) -> str:
    r"""A value as findings show it: one line, visible characters only, cut when it is very long.

    >>> quote("a\nb")
    "'a\\x0ab'"
    """
    shown = escape_text(text[:_QUOTED_CHARACTERS])
    return f"'{shown}…'" if len(text) > _QUOTED_CHARACTERS else f"'{shown}'"


def label_of(name: str) -> str:
    """A VM's name as the beginning of a summary: quoted only where it is no plain word."""
    is_plain = name.isprintable() and 0 < len(name) <= _QUOTED_CHARACTERS and "'" not in name
    return name if is_plain and name == name.strip() else quote(name)


class Problems:
    """What is wrong with one file, collected while it is read."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[str, list[Finding]] = {}
        self._left_out: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def source(self, line: int | None) -> Source:
        """A place in this file."""
        return Source(self.file, line)

    def add(  # noqa: PLR0913  one finding has this many parts
        self,
        code: str,
        line: int | None,
        *,
        summary: str,
        remedy: str,
        detail: str = "",
        vm: str | None = None,
    ) -> None:
        """Note an error; `summary` holds outside text only through `quote`."""
        found = self._found.setdefault(code, [])
        if len(found) >= SHOWN_PER_CODE:
            self._left_out[code] = self._left_out.get(code, 0) + 1
            return
        found.append(
            Finding(
                code=code,
                severity=Severity.ERROR,
                summary=summary,
                detail=detail,
                remedy=remedy,
                source=self.source(line),
                vm=vm,
            )
        )

    def add_duplicate(
        self, what: str, *, line: int, first_line: int, vm: str | None = None
    ) -> None:
        """`what` stands on `line` although it stood on `first_line` before."""
        self.add(
            DUPLICATE,
            line,
            summary=f"{what} stands on line {first_line} and again on line {line}",
            remedy="keep one of the two",
            vm=vm,
        )

    def add_unknown(
        self, name: str, *, line: int, known: Iterable[str], where: str, vm: str | None = None
    ) -> None:
        """`name` is no attribute of `where`; the remedy offers the nearest of `known`."""
        names = list(known)
        near = nearest(name, names)
        remedy = f"write {near}, or remove it" if near else f"write one of {', '.join(names)}"
        self.add(
            UNKNOWN_ATTRIBUTE,
            line,
            summary=f"{where}: unknown attribute {quote(name)}",
            remedy=remedy,
            vm=vm,
        )

    def findings(self) -> tuple[Finding, ...]:
        """Everything that was found, in the order of listings."""
        found = [finding for group in self._found.values() for finding in group]
        for code, count in self._left_out.items():
            found.append(
                Finding(
                    code=code,
                    severity=Severity.ERROR,
                    summary=f"{count} more problems of this kind are not listed",
                    remedy="repair those above, then run again",
                    source=self.source(None),
                )
            )
        return sort_findings(found)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known word that `name` was probably meant to be."""
    # Loading difflib costs two milliseconds, which only a file with a mistake should pay.
    import difflib

    lowered = name[:_QUOTED_CHARACTERS].lower().replace("-", "_")
    close = difflib.get_close_matches(lowered, list(known), n=1, cutoff=0.6)
    return close[0] if close else None

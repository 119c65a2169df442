# SPDX-License-Identifier: Apache-2.0
"""Findings: what is wrong or unwise about an input, as values that are collected, never raised.

A finding names its stable code (`KR104`), where it stands, what is the matter and what to do. Every
layer returns findings beside its result and goes on, so that one run shows all problems at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: an error stops every write, a warning does not, advice is advice."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A place in a file; `line` counts from 1, `None` where the file as a whole is meant."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem. `summary` is one line without a full stop; `detail` may be empty."""

    code: str
    severity: Severity
    summary: str
    detail: str = ""
    remedy: str
    source: Source | None = None
    #: The VM it is about, by name; for grouping and for plans that are narrowed to some VMs.
    vm: str | None = None

    def sort_key(self) -> tuple[int, str, tuple[str, int], str, str]:
        """Errors first, then by code, place and text: the order of every listing."""
        rank = (Severity.ERROR, Severity.WARNING, Severity.ADVICE).index(self.severity)
        place = (self.source.file, self.source.line or 0) if self.source else ("", 0)
        return rank, self.code, place, self.summary, self.detail


def sort_findings(findings: list[Finding]) -> tuple[Finding, ...]:
    """Without repetitions, in the order of `Finding.sort_key`."""
    return tuple(sorted(dict.fromkeys(findings), key=Finding.sort_key))


def has_errors(findings: tuple[Finding, ...] | list[Finding]) -> bool:
    """Whether any finding is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def warnings_as_errors(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The same findings for those who accept no warning."""
    return sort_findings(
        [
            replace(one, severity=Severity.ERROR) if one.severity is Severity.WARNING else one
            for one in findings
        ]
    )

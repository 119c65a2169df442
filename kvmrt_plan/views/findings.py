# SPDX-License-Identifier: Apache-2.0
"""Findings as text, one paragraph each, errors first; and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kvmrt_plan.diagnostics import Severity
from kvmrt_plan.plan.document import finding_document
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.terminal import Painter, Style, fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kvmrt_plan.diagnostics import Finding

_STYLES = {
    Severity.ERROR: Style.ERROR,
    Severity.WARNING: Style.WARNING,
    Severity.ADVICE: Style.QUIET,
}


def finding_lines(findings: Iterable[Finding], width: int, painter: Painter) -> list[str]:
    """`warning KR104 rt1: cpuset spans NUMA nodes 0 and 1 (kvmrt.yaml:31)`, then detail and remedy."""
    lines: list[str] = []
    for finding in findings:
        place = f" ({finding.source})" if finding.source else ""
        head = f"{finding.severity} {finding.code} {escape_text(finding.summary + place)}"
        first, *rest = fold(head, width, indent=2, first=0)
        word = str(finding.severity)
        lines.append(painter.paint(word, _STYLES[finding.severity]) + first[len(word) :])
        lines.extend(rest)
        if finding.detail:
            lines.extend(fold(escape_text(finding.detail), width, indent=4))
        if finding.remedy:
            lines.extend(fold(f"-> {escape_text(finding.remedy)}", width, indent=7, first=4))
    return lines


def findings_summary(findings: Iterable[Finding], *, file: str) -> str:
    """`kvmrt.yaml: 1 error, 2 warnings`, or that it is valid."""
    counts = Counter(finding.severity for finding in findings)
    parts = [
        f"{counts[severity]} {severity}{'s' * (counts[severity] != 1 and plural)}"
        for severity, plural in ((Severity.ERROR, 1), (Severity.WARNING, 1), (Severity.ADVICE, 0))
        if counts[severity]
    ]
    return f"{escape_text(file)}: {', '.join(parts) or 'valid, nothing to remark'}"


def findings_document(findings: Iterable[Finding], *, file: str) -> dict[str, Any]:
    """The findings about one file as plain values."""
    found = list(findings)
    counts = Counter(finding.severity for finding in found)
    return {
        "format": "kvmrt-findings",
        "format_version": "1.0",
        "configuration": file,
        "summary": {"errors": counts[Severity.ERROR], "warnings": counts[Severity.WARNING]},
        "findings": [finding_document(finding) for finding in found],
    }

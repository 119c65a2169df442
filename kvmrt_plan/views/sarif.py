# SPDX-License-Identifier: Apache-2.0
"""A check as SARIF 2.1.0 (OASIS), as code scanning reads it. Rules carry the catalogue's help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan import __version__
from kvmrt_plan.diagnostics import Severity
from kvmrt_plan.rules.catalogue_all import ENTRIES_BY_CODE
from kvmrt_plan.values.text import escape_text

if TYPE_CHECKING:
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.fleet.checked import Allowed, Checked, Report
    from kvmrt_plan.rules.catalogue import Entry

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
#: RFC 3986, unreserved, and the separator of paths.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


def sarif_document(report: Report, *, exit_code: int) -> dict[str, Any]:
    """The log with one run."""
    codes = sorted(
        {finding.code for one in report.checked for finding in one.findings}
        | {allowed.finding.code for one in report.checked for allowed in one.allowed}
    )
    index = {code: number for number, code in enumerate(codes)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "kvmrt",
                        "semanticVersion": __version__,
                        "rules": [_rule(ENTRIES_BY_CODE[code]) for code in codes],
                    }
                },
                "invocations": [{"executionSuccessful": True, "exitCode": exit_code}],
                "columnKind": "unicodeCodePoints",
                "results": [result for one in report.checked for result in _results(one, index)],
            }
        ],
    }


def _rule(entry: Entry) -> dict[str, Any]:
    text = f"{entry.why}\n\nExample:\n\n{entry.example.strip()}\n\nRemedy: {entry.remedy}"
    fenced = f"```{entry.language}\n{entry.example.strip()}\n```"
    return {
        "id": entry.code,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.why},
        "help": {
            "text": text,
            "markdown": f"{entry.why}\n\nExample:\n\n{fenced}\n\nRemedy: {entry.remedy}",
        },
        "defaultConfiguration": {"level": _level_of(entry)},
    }


def _level_of(entry: Entry) -> str:
    """Of the severities that an entry names, the first one."""
    word = entry.severity.split()[0].rstrip(",")
    return _LEVELS[Severity(word)]


def _results(one: Checked, index: dict[str, int]) -> list[dict[str, Any]]:
    found = [_result(finding, one, index) for finding in one.findings]
    return [
        *found,
        *(
            {**_result(allowed.finding, one, index), "suppressions": [_suppression(allowed)]}
            for allowed in one.allowed
        ),
    ]


def _result(finding: Finding, one: Checked, index: dict[str, int]) -> dict[str, Any]:
    texts = [finding.summary, finding.detail, f"Remedy: {finding.remedy}"]
    source = finding.source
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(source.file if source else one.file)}}
    if source and source.line is not None:
        place["region"] = {"startLine": source.line}
    properties = {"host": escape_text(one.host)} if one.host else {}
    return {
        "ruleId": finding.code,
        "ruleIndex": index[finding.code],
        "level": _LEVELS[finding.severity],
        "message": {"text": "\n".join(escape_text(text) for text in texts if text)},
        "locations": [{"physicalLocation": place}],
        **({"properties": properties} if properties else {}),
    }


def _suppression(allowed: Allowed) -> dict[str, Any]:
    return {
        "kind": "inSource" if allowed.source else "external",
        "justification": escape_text(allowed.reason),
    }


def _uri(path: str) -> str:
    """A relative reference, or a file URI for an absolute path; everything unusual percent-encoded."""
    raw = path.encode("utf-8", "surrogateescape")
    quoted = "".join(chr(one) if chr(one) in _PLAIN else f"%{one:02X}" for one in raw)
    if quoted.startswith("/"):
        return f"file://{quoted}"
    return quoted.removeprefix("./")

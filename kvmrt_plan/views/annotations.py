# SPDX-License-Identifier: Apache-2.0
"""A check as GitHub workflow commands, which become annotations on the lines of a pull request.

A command is one line, `::error file=F,line=N,title=T::MESSAGE`. In the message `%`, CR and LF are
written as %25, %0D and %0A, in properties also `:` and `,` as %3A and %2C (GitHub, "Workflow commands",
and actions/toolkit's command.ts). Everything else from outside is made visible first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Severity
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.check_words import total_text

if TYPE_CHECKING:
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.fleet.checked import Report

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "notice"}


def render_annotations(report: Report) -> str:
    """One line for each finding, then the total."""
    lines = [_annotation(finding, one.file) for one in report.checked for finding in one.findings]
    # The total must not be taken for a command.
    return "".join(f"{line}\n" for line in [*dict.fromkeys(lines), total_text(report)])


def _annotation(finding: Finding, file: str) -> str:
    source = finding.source
    properties = {"file": source.file if source else file}
    if source and source.line is not None:
        properties["line"] = str(source.line)
    properties["title"] = f"kvmrt {finding.code}"
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    texts = [finding.summary, finding.detail, f"-> {finding.remedy}"]
    message = "\n".join(escape_text(text) for text in texts if text)
    return f"::{_COMMANDS[finding.severity]} {told}::{_message(message)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(escape_text(text)).replace(":", "%3A").replace(",", "%2C")

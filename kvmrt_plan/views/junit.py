# SPDX-License-Identifier: Apache-2.0
"""A check as JUnit XML, as Jenkins and GitLab read it: a suite for each configuration and host.

An error is a failure, a warning or advice a test that passes with output, an allowed finding a skipped
test. A suite without findings has one test that passes, so that it is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from kvmrt_plan.diagnostics import Severity
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.check_words import label_of_check
from kvmrt_plan.views.plan_text import summary_text

if TYPE_CHECKING:
    from lxml.etree import _Element

    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.fleet.checked import Checked, Report


def render_junit(report: Report) -> str:
    """The document; ends with a newline."""
    root = etree.Element("testsuites", name="kvmrt check")
    for one in report.checked:
        _add_suite(root, one)
    text = etree.tostring(root, encoding="unicode", pretty_print=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'


def _add_suite(root: _Element, one: Checked) -> None:
    tests = len(one.findings) + len(one.allowed) or 1
    suite = etree.SubElement(
        root,
        "testsuite",
        name=_seen(label_of_check(one)),
        tests=str(tests),
        failures=str(one.count(Severity.ERROR)),
        errors="0",
        skipped=str(len(one.allowed)),
        time="0",
    )
    for finding in one.findings:
        case = _add_case(suite, one, finding)
        if finding.severity is Severity.ERROR:
            failure = etree.SubElement(
                case, "failure", type=finding.code, message=_seen(finding.summary)
            )
            failure.text = _told(finding)
        else:
            etree.SubElement(case, "system-out").text = _told(finding)
    for allowed in one.allowed:
        case = _add_case(suite, one, allowed.finding)
        etree.SubElement(case, "skipped", message=_seen(f"allowed: {allowed.reason}"))
    if not one.findings and not one.allowed:
        etree.SubElement(suite, "testcase", classname=_seen(one.file), name="no findings", time="0")
    if one.plan is not None:
        etree.SubElement(suite, "system-out").text = _seen(summary_text(one.plan))


def _add_case(suite: _Element, one: Checked, finding: Finding) -> _Element:
    name = f"{finding.code} {finding.summary}"
    return etree.SubElement(
        suite, "testcase", classname=_seen(one.file), name=_seen(name), time="0"
    )


def _told(finding: Finding) -> str:
    head = f"{finding.severity} {finding.code} {finding.summary}"
    place = f"at {finding.source}" if finding.source else ""
    texts = [head, place, finding.detail, f"-> {finding.remedy}"]
    return "\n".join(_seen(text) for text in texts if text)


def _seen(text: str) -> str:
    """Without what XML cannot hold: control characters are spelled out."""
    return escape_text(text)

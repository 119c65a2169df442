# SPDX-License-Identifier: Apache-2.0
"""A check in every format, with everything in it that a format could take for its own."""

from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft202012Validator
from lxml import etree

from kvmrt_plan.diagnostics import Finding, Severity, Source
from kvmrt_plan.fleet.checked import Allowed, Checked, Report
from kvmrt_plan.views.annotations import render_annotations
from kvmrt_plan.views.check_json import report_document
from kvmrt_plan.views.check_markdown import render_markdown
from kvmrt_plan.views.check_text import render_report
from kvmrt_plan.views.junit import render_junit
from kvmrt_plan.views.sarif import sarif_document

NASTY = "a|b\n::error::x <b>&amp;]]> \x1b[2J\u202e @team `c` %0A *d* \x00é漢"


def finding(**values):
    made = {
        "code": "KR105", "severity": Severity.WARNING, "summary": NASTY, "detail": NASTY,
        "remedy": NASTY, "source": Source("hosts/a b,c:d|é.yaml", 3), "vm": "rt1",
    }  # fmt: skip
    return Finding(**{**made, **values})


@pytest.fixture
def nasty():
    allowed = Allowed(finding=finding(code="KR128"), reason=NASTY, source=None)
    return Report(
        checked=(
            Checked(
                file="hosts/a b,c:d|é.yaml",
                host=NASTY,
                findings=(finding(severity=Severity.ERROR), finding(source=None)),
                allowed=(allowed,),
            ),
        )
    )


def is_printable(text):
    return all(line.isprintable() for line in text.split("\n"))


def test_no_format_prints_a_character_that_cannot_be_seen(nasty):
    texts = [
        render_report(nasty),
        render_annotations(nasty),
        render_junit(nasty),
        render_markdown(nasty),
        json.dumps(report_document(nasty)),
        json.dumps(sarif_document(nasty, exit_code=1)),
    ]

    assert [is_printable(text) for text in texts] == [True] * 6


def test_an_annotation_is_one_line_with_its_own_escapes(nasty):
    first, second, total = render_annotations(nasty).splitlines()

    assert first.startswith(
        "::error file=hosts/a b%2Cc%3Ad|é.yaml,line=3,title=kvmrt KR105::a|b\\x0a::error::x "
    )
    assert "%250A" in first
    assert second.startswith("::warning file=hosts/a b%2Cc%3Ad|é.yaml,title=kvmrt KR105::")
    assert total == "1 configuration: 1 error, 1 warning; no changes"


def test_markdown_holds_no_markup_of_others(nasty):
    text = render_markdown(nasty)

    row = next(line for line in text.splitlines() if "KR" not in line and "hosts/a" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 8
    assert "<b>" not in text
    assert "@team" not in text
    assert not re.search(r"(?<!\\)`", text)


def test_markdown_stays_below_what_a_comment_may_have():
    many = tuple(Checked(file=f"{number}.yaml", findings=(finding(),)) for number in range(400))

    text = render_markdown(Report(checked=many))

    assert 50_000 < len(text) < 65_000
    assert "more parts do not fit" in text


def test_text_keeps_to_80_columns_where_names_allow_it(nasty):
    wide = Checked(file=f"{'long/' * 12}rt1.yaml", host="h" * 30, findings=(finding(),))

    lines = render_report(Report(checked=(wide, *nasty.checked)), width=80).splitlines()

    table = lines[: lines.index("")]
    assert max(map(len, table)) <= 80 + len(NASTY)
    assert "long/rt1.yaml" in lines[1]


def test_text_has_colours_only_when_asked(nasty):
    assert "\x1b" not in render_report(nasty)
    assert "\x1b[1;31merror\x1b[0m" in render_report(nasty, is_coloured=True)


def test_sarif_is_valid_and_carries_help(repository, nasty):
    schema = json.loads((repository / "tests/cases/check/sarif.schema.json").read_text("utf-8"))
    document = sarif_document(nasty, exit_code=1)

    Draft202012Validator(schema).validate(document)

    run = document["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["KR105", "KR128"]
    assert all(rule["help"]["markdown"] for rule in run["tool"]["driver"]["rules"])
    assert [one["ruleIndex"] for one in run["results"]] == [0, 0, 1]
    assert run["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "hosts/a%20b%2Cc%3Ad%7C%C3%A9.yaml"},
        "region": {"startLine": 3},
    }
    assert [one["kind"] for one in run["results"][2]["suppressions"]] == ["external"]


def test_the_sarif_schema_refuses_what_the_standard_refuses(repository, nasty):
    schema = json.loads((repository / "tests/cases/check/sarif.schema.json").read_text("utf-8"))
    validator = Draft202012Validator(schema)
    document = sarif_document(nasty, exit_code=1)
    document["runs"][0]["results"][0]["level"] = "fatal"

    assert not validator.is_valid(document)


def test_junit_is_valid_and_counts_what_it_holds(repository, nasty):
    schema = etree.XMLSchema(etree.parse(repository / "tests/cases/check/junit.xsd"))
    clean = Checked(file="b.yaml")
    root = etree.fromstring(
        render_junit(Report(checked=(*nasty.checked, clean))).encode(), parser=etree.XMLParser()
    )

    schema.assertValid(root)
    assert [
        (suite.get("tests"), suite.get("failures"), suite.get("skipped"), len(suite))
        for suite in root
    ] == [("3", "1", "1", 3), ("1", "0", "0", 1)]
    assert [
        len(suite.findall(f"testcase/{name}"))
        for suite in root
        for name in ("failure", "skipped", "system-out")
    ] == [1, 1, 1, 0, 0, 0]

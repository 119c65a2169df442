# SPDX-License-Identifier: Apache-2.0
"""Every code is explained, and every code of a rule is found by a case."""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML
from rule_cases import CASES

from kvmrt_plan.desired.model import FURTHER_ATTRIBUTES, KVMRT_ATTRIBUTES
from kvmrt_plan.rules import (
    catalogue_boot,
    catalogue_domains,
    catalogue_file,
    catalogue_fleet,
    catalogue_guest,
    catalogue_host,
    catalogue_machine,
    catalogue_vms,
    catalogue_writers,
)
from kvmrt_plan.rules.catalogue import render_catalogue
from kvmrt_plan.rules.check import check

ENTRIES = (
    *catalogue_file.ENTRIES,
    *catalogue_machine.ENTRIES,
    *catalogue_vms.ENTRIES,
    *catalogue_guest.ENTRIES,
    *catalogue_domains.ENTRIES,
    *catalogue_host.ENTRIES,
    *catalogue_boot.ENTRIES,
    *catalogue_fleet.ENTRIES,
    *catalogue_writers.ENTRIES,
)
BY_CODE = {entry.code: entry for entry in ENTRIES}


@pytest.fixture
def page(repository):
    return (repository / "docs" / "findings.md").read_text(encoding="utf-8")


def test_no_code_is_explained_twice():
    assert len(BY_CODE) == len(ENTRIES)


def test_the_page_is_what_the_catalogue_says(page):
    assert page == render_catalogue(ENTRIES)


def test_the_page_has_a_section_for_every_code_in_the_sources_and_for_no_other(repository, page):
    used = {
        code
        for source in (repository / "kvmrt_plan").rglob("*.py")
        if not source.name.startswith("catalogue")
        for code in re.findall(r"\"(KR\d{3})\"", source.read_text(encoding="utf-8"))
    }
    assert set(re.findall(r"^## (KR\d{3})$", page, re.MULTILINE)) == used


#: They need the answer of a guest's agent, which no rule sees: tests/unit/plan/test_guest.py.
OF_GUESTS = {"KR241", "KR242", "KR243"}


def test_every_code_of_a_rule_is_found_by_a_case():
    expected = {case.code for case in CASES if case.expected}
    # Files have cases of their own (desired/test_invalid_cases.py), and so has a check (fleet/).
    of_rules = {code for code in BY_CODE if not code.startswith(("KR0", "KR3"))}
    assert expected == of_rules - OF_GUESTS


def test_no_finding_has_a_severity_that_its_section_does_not_name():
    for case in CASES:
        for finding in check(case.configuration, case.host, None):
            assert finding.severity in BY_CODE[finding.code].severity, finding


#: They show files that are wrong in themselves.
WRONG = {"KR005", "KR006"}


@pytest.mark.parametrize(
    "code", sorted({entry.code for entry in ENTRIES if entry.language == "yaml"} - WRONG)
)
def test_an_example_is_yaml_with_known_attributes(code):
    document = YAML(typ="safe").load(BY_CODE[code].example)
    vms = document.get("vms", {} if "host" in document else document) or {}
    known = {"uuid", *KVMRT_ATTRIBUTES, *FURTHER_ATTRIBUTES}
    assert {attribute for vm in vms.values() for attribute in vm} <= known

# SPDX-License-Identifier: Apache-2.0
"""Every kind of bad configuration gives exactly the findings that stand beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.desired.problems import CATALOGUE

CASES = Path(__file__).resolve().parents[2] / "cases" / "invalid"
INPUTS = sorted(path for path in CASES.glob("*/desired.*"))

#: What a JSON schema cannot say, each with the reason.
ONLY_THE_READER_REFUSES = {
    "yaml-duplicate-irq",  # an attribute across the items of a list
}


def diagnostics(content: bytes, file: str) -> str:
    """The findings as the cases keep them: two lines each."""
    configuration, findings = load_configuration(content, file=file)
    assert configuration is None
    return "".join(
        f"{one.source}: {one.severity} {one.code}{f' ({one.vm})' if one.vm else ''}"
        f" {one.summary}\n    {one.remedy}\n"
        for one in findings
    )


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.parent.name)
def test_a_bad_file_gives_the_expected_findings(path):
    expected = (path.parent / "diagnostics.txt").read_text(encoding="utf-8")
    assert diagnostics(path.read_bytes(), path.name) == expected


def test_every_code_has_a_case():
    shown = "".join(
        (path.parent / "diagnostics.txt").read_text(encoding="utf-8") for path in INPUTS
    )
    missing = {code for code, _ in CATALOGUE if code not in shown}
    # A file that is too large would be too large for the repository; test_load.py makes one. What a
    # file cannot say is found by an import (changes/test_importing.py).
    assert missing == {"KR001", "KR012"}


def test_the_schema_refuses_what_a_schema_can_express():
    jsonschema = pytest.importorskip("jsonschema")
    from kvmrt_plan.desired.schema import configuration_schema

    validator = jsonschema.Draft202012Validator(configuration_schema())
    accepted = set()
    for path in INPUTS:
        if path.suffix != ".yaml" or path.parent.name == "yaml-deep-nesting":
            continue
        try:
            document = YAML(typ="safe").load(path.read_bytes())
        except YAMLError:
            continue
        if validator.is_valid(document):
            accepted.add(path.parent.name)
    assert accepted == ONLY_THE_READER_REFUSES

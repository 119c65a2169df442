# SPDX-License-Identifier: Apache-2.0
"""Whole plans: configuration and host in, text and JSON out, as in tests/cases/plans.

Each case is a folder: `desired.yaml` or `desired.cfg`, `host` (the name of a snapshot below examples/,
or `host.json` beside it), `plan.txt` and `plan.json`. Read plan.txt as its user would.
"""

from __future__ import annotations

import json

import pytest
from golden import check_golden
from plan_cases import CASES, NAMES, plan_of

from kvmrt_plan.plan.document import dump_document, plan_document
from kvmrt_plan.views.plan_text import render_plan


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_as_reviewed(name, update_golden):
    plan, _ = plan_of(name)

    text = render_plan(plan, is_verbose=True)

    check_golden(CASES / name / "plan.txt", text, update=update_golden)
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_the_document_is_as_reviewed(name, update_golden):
    plan, content = plan_of(name)

    document = plan_document(plan, configuration=content)
    document.update(kvmrt_version="x", digest="x")

    check_golden(CASES / name / "plan.json", dump_document(document), update=update_golden)


def test_every_kind_of_change_occurs_in_some_case():
    from kvmrt_plan.changes.change import Kind

    seen = {
        action["kind"]
        for name in NAMES
        for action in json.loads((CASES / name / "plan.json").read_text(encoding="utf-8"))[
            "actions"
        ]
    }

    # What boot, shutdown, guest and install-service change is no part of a configuration's plan.
    others = {
        "cpuset-widen", "partition-lift", "domain-state", "file", "service", "guest-file", "guest-setting",
    }  # fmt: skip
    assert seen >= {str(kind) for kind in Kind} - others

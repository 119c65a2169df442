# SPDX-License-Identifier: Apache-2.0
"""A saved plan comes back as it was reviewed, or is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_cases import plan_of

from kvmrt_plan.errors import SnapshotError
from kvmrt_plan.plan.document import document_digest, dump_document, plan_document
from kvmrt_plan.plan.saved import load_plan


def saved(name="bundled"):
    plan, content = plan_of(name)
    return plan, plan_document(plan, configuration=content)


def test_the_actions_come_back_in_order_with_all_they_need():
    plan, document = saved()

    loaded = load_plan(dump_document(document).encode(), file="p.json")

    assert [one.number for one in loaded.actions] == [one.number for one in plan.actions]
    assert [one.requires for one in loaded.actions] == [one.requires for one in plan.actions]
    for one, planned in zip(loaded.actions, plan.actions, strict=True):
        assert (one.change.kind, one.change.address) == (
            planned.change.kind,
            planned.change.address,
        )
        assert (one.change.before, one.change.after) == (
            planned.change.before,
            planned.change.after,
        )
        assert (one.change.disturbance, one.change.owner) == (
            planned.change.disturbance,
            planned.change.owner,
        )
    assert loaded.configuration == plan_of("bundled")[1]


def resigned(document):
    return {**document, "digest": document_digest(document)}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: {**d, "host": {**d["host"], "name": "other"}}, "changed after it was saved"),
        (lambda d: resigned({**d, "format": "kvmrt-snapshot"}), "is no plan"),
        (lambda d: resigned({**d, "format_version": "2.0"}), "format version '2.0'"),
        (lambda d: resigned({**d, "errored": True}), "has errors"),
        (lambda d: resigned({**d, "actions": [{"id": "one"}]}), "is no plan: actions.0"),
        (lambda d: [d], "not an object"),
    ],
    ids=["edited", "a snapshot", "from the future", "with errors", "damaged", "a list"],
)
def test_any_other_document_is_refused_with_the_reason(change, problem):
    _, document = saved()

    with pytest.raises(SnapshotError, match=r"p\.json") as caught:
        load_plan(json.dumps(change(document)).encode(), file="p.json")

    assert problem in str(caught.value)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_arbitrary_bytes_raise_only_the_error_of_files(content):
    with pytest.raises(SnapshotError):
        load_plan(content, file="p.json")

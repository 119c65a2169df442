# SPDX-License-Identifier: Apache-2.0
"""The schema of the events of an apply fits what an apply prints."""

from __future__ import annotations

import json
import shutil

import pytest
from jsonschema import Draft202012Validator

from kvmrt_plan.cli.main import main
from kvmrt_plan.cli.schema import build_schema

SCHEMA = build_schema("events")


def events(capsys, repository, tmp_path, *options):
    for name in ("two-socket.json", "two-socket.yaml"):
        shutil.copy(repository / "examples" / name, tmp_path)
    host, file = tmp_path / "two-socket.json", tmp_path / "two-socket.yaml"
    main(["apply", "-f", str(file), "--host", str(host), "--yes", "--json", *options])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_schema_in_the_repository_is_the_one_of_the_models(repository):
    text = (repository / "schemas" / "events.schema.json").read_text(encoding="utf-8")

    assert json.loads(text) == SCHEMA
    assert SCHEMA["$id"] == "urn:kvmrt:schema:events:1"


def test_every_event_of_an_apply_is_valid(capsys, repository, tmp_path):
    found = events(capsys, repository, tmp_path)

    for event in found:
        Draft202012Validator(SCHEMA).validate(event)
    assert {one["type"] for one in found} == {"version", "action", "result"}


def test_a_refusal_is_valid_too(capsys, repository, tmp_path):
    found = events(capsys, repository, tmp_path, "--strict")

    for event in found:
        Draft202012Validator(SCHEMA).validate(event)
    assert found


@pytest.mark.parametrize("event", [{"type": "unknown"}, {"type": "result"}, 1])
def test_anything_else_is_refused(event):
    assert not Draft202012Validator(SCHEMA).is_valid(event)

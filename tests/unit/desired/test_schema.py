# SPDX-License-Identifier: Apache-2.0
"""The schema in the repository is the one that the models give."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from pydantic import ValidationError

from kvmrt_plan.desired.model import HostPolicy, Probe, VirtualMachine
from kvmrt_plan.desired.schema import SCHEMA_ID, configuration_schema, validate_document

UUID_TEXT = "fde74e84-0e1b-404e-90e7-72101e79c48a"


def test_the_schema_file_is_up_to_date(repository):
    text = (repository / "schemas" / "config.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == configuration_schema()


def test_the_schema_is_a_valid_schema_with_its_name():
    jsonschema = pytest.importorskip("jsonschema")
    schema = configuration_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == SCHEMA_ID


@pytest.mark.parametrize(
    ("model", "elsewhere"),
    [(VirtualMachine, {"name", "sources"}), (HostPolicy, {"sources"}), (Probe, {"source"})],
)
def test_every_attribute_is_described(model, elsewhere):
    properties = configuration_schema()["$defs"][model.__name__]["properties"]
    assert list(properties) == [one.name for one in fields(model) if one.name not in elsewhere]
    assert all(one["description"] for one in properties.values())


@pytest.mark.parametrize(
    ("attributes", "place"),
    [
        ({"cpuset": "4-"}, ("cpuset",)),
        ({"cpuset": True}, ("cpuset",)),
        ({"nr_vcpus": "4"}, ("nr_vcpus",)),
        ({"nr_vcpus": True}, ("nr_vcpus",)),
        ({"rt": 2}, ("rt",)),
        ({"title": "two\nlines"}, ("title",)),
        ({"cpuste": "4"}, ("cpuste",)),
        ({"vcpu_scheduler": {"policy": "fifo", "priority": 100}}, ("vcpu_scheduler", "priority")),
        ({"uuid": "x"}, ("uuid",)),
    ],
)
def test_pydantic_names_the_place_of_a_fault(attributes, place):
    with pytest.raises(ValidationError) as caught:
        validate_document({"vms": {"rt1": {"uuid": UUID_TEXT, **attributes}}})
    assert [error["loc"] for error in caught.value.errors()] == [("vms", "rt1", *place)]


def test_check_jsonschema_takes_the_examples_and_refuses_a_fault(repository, tmp_path):
    program = shutil.which("check-jsonschema", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("check-jsonschema is not installed")
    schema = repository / "schemas" / "config.schema.json"
    good = sorted((repository / "examples").glob("*.yaml"))
    bad = tmp_path / "bad.yaml"
    bad.write_text(f"vms: {{rt1: {{uuid: {UUID_TEXT}, cpuste: 4}}}}\n")
    command = [program, "--schemafile", schema]
    assert subprocess.run([*command, *good], check=False, capture_output=True).returncode == 0
    assert subprocess.run([*command, bad], check=False, capture_output=True).returncode == 1

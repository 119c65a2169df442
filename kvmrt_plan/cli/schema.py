# SPDX-License-Identifier: Apache-2.0
"""`kvmrt schema`: the JSON Schema of a document that kvmrt reads or writes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from kvmrt_plan.values.document import dump_document

if TYPE_CHECKING:
    import argparse

    from pydantic import BaseModel


def run(arguments: argparse.Namespace) -> int:
    """Print one schema."""
    sys.stdout.write(dump_document(build_schema(arguments.name)))
    return 0


def build_schema(name: str) -> dict[str, Any]:
    """The schema of that name; see `SCHEMAS` in parsers/schema.py for the names."""
    # Each branch loads pydantic and one model: nobody needs all of them at once.
    if name == "config":
        from kvmrt_plan.desired.schema import configuration_schema

        return configuration_schema()
    return _of_model(name, _model(name))


def _model(name: str) -> type[BaseModel]:
    if name == "plan":
        from kvmrt_plan.plan.model import PlanDocument

        return PlanDocument
    if name == "snapshot":
        from kvmrt_plan.facts.model import SnapshotDocument

        return SnapshotDocument
    if name == "events":
        from kvmrt_plan.views.events_model import EventDocument

        return EventDocument
    from kvmrt_plan.views.topology_model import TopologyDocument

    return TopologyDocument


def _of_model(name: str, model: type[BaseModel]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:kvmrt:schema:{name}:1",
        **model.model_json_schema(),
    }

# SPDX-License-Identifier: Apache-2.0
"""The JSON schema of YAML configurations, and pydantic's reading of a document.

Both come from the dataclasses of `model.py`: their fields give names, defaults, ranges, descriptions
and examples; `schema_types.py` says how each type is written. The readers do not use this module, as
pydantic costs more start-up time than a plan; property tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model, model_validator

from kvmrt_plan.desired.allowance import Allowance
from kvmrt_plan.desired.attribute import AUTO
from kvmrt_plan.desired.model import Configuration, HostPolicy, Probe, VirtualMachine
from kvmrt_plan.desired.probe_attributes import KINDS
from kvmrt_plan.desired.schema_types import VM_NAME, document_type
from kvmrt_plan.diagnostics import Source
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from dataclasses import Field as ModelField

SCHEMA_ID = "urn:kvmrt:schema:config:1"

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)
_PROBE: ConfigDict = {
    **_STRICT,
    "json_schema_extra": {"oneOf": [{"required": [kind]} for kind in KINDS]},
}
#: A VM's name is its key in the file.
_KEY = (VirtualMachine, "name")
#: None means "auto" here, and "unmanaged" for every other attribute.
_AUTO_IS_NONE = frozenset({"housekeeping", "cpu_topology", "rt_memory", "numatune"})


def configuration_schema() -> dict[str, Any]:
    """The schema of YAML configurations, JSON Schema 2020-12, in a fixed order."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Configuration of kvmrt",
        **_cleaned(TypeAdapter(_document_class()).json_schema()),
        "anyOf": [_says_something("vms", minProperties=1), _says_something("host")],
    }


def _says_something(key: str, **more: Any) -> dict[str, Any]:
    """An empty file is an error; a host part without VMs is not."""
    return {"required": [key], "properties": {key: {"type": "object", **more}}}


def validate_document(value: object) -> Configuration:
    """A document, as a YAML or JSON library gives it, to the desired state.

    Raises:
        pydantic.ValidationError: the document is no configuration; it names every place.
    """
    document: Any = TypeAdapter(_document_class()).validate_python(value)
    host = document.host
    return Configuration(
        host=HostPolicy() if host is None else _to_model(HostPolicy, host),
        vms=tuple(
            _to_model(VirtualMachine, vm, name=name) for name, vm in (document.vms or {}).items()
        ),
        allow=tuple(_to_model(Allowance, one) for one in document.allow or ()),
    )


@cache
def _document_class() -> type[BaseModel]:
    host: Any = _nested(HostPolicy)
    vms: Any = dict[VM_NAME, _nested(VirtualMachine)]  # type: ignore[misc]
    allow: Any = list[_nested(Allowance)]  # type: ignore[misc]
    return create_model(
        "Configuration",
        __config__=_STRICT,
        __doc__=Configuration.__doc__,
        version=(Literal[1], Field(default=1, description="Version of the file's format.")),
        host=(host | None, Field(default=None, description="Policy of the host.")),
        vms=(vms | None, Field(default=None, description="The virtual machines, by name.")),
        allow=(
            allow | None,
            Field(default=None, description="Warnings and advice that `kvmrt check` accepts."),
        ),
    )


@model_validator(mode="before")
def _one_kind(value: Any) -> Any:
    """Of a probe."""
    if isinstance(value, Mapping) and sum(kind in value for kind in KINDS) != 1:
        raise ValueError(f"exactly one of {', '.join(KINDS)} is expected")
    return value


@cache
def _nested(model: Any) -> Any:
    """The document form of a dataclass; its fields are those that are written."""
    # The annotations name these two for the type checker only.
    hints = get_type_hints(model, localns={"Mapping": Mapping, "Source": Source})
    written: dict[str, Any] = {
        one.name: (document_type(one.name, hints[one.name], _nested), _document_field(one))
        for one in fields(model)
        if not one.metadata.get("exclude") and (model, one.name) != _KEY
    }
    validators: dict[str, Any] = {"kinds": _one_kind} if model is Probe else {}
    made: Any = create_model(
        model.__name__,
        __config__=_PROBE if model is Probe else _STRICT,
        __doc__=model.__doc__,
        __validators__=validators,
        **written,
    )
    made.made_for = model
    return made


def _document_field(one: ModelField[Any]) -> Any:
    constraints = dict(one.metadata)
    if one.default is MISSING:
        return Field(**constraints)
    return Field(default=_written_default(one.name, one.default), **constraints)


def _written_default(name: str, value: Any) -> Any:
    """A default as documents write it; it is shown, and never becomes a value of the model."""
    if value is None:
        return AUTO if name in _AUTO_IS_NONE else None
    if isinstance(value, (CpuSet, StrEnum)):
        return str(value)
    return [] if value == () else value


def _to_model(model: Any, document: BaseModel, **more: Any) -> Any:
    values = {name: _to_value(getattr(document, name)) for name in document.model_fields_set}
    return model(**values, **more)


def _to_value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_to_value(item) for item in value)
    if isinstance(value, BaseModel):
        return _to_model(type(value).made_for, value)  # type: ignore[attr-defined]
    return value


def _cleaned(schema: Any) -> Any:
    """Without titles that only repeat names, without empty examples; names by pattern only."""
    if isinstance(schema, list):
        return [_cleaned(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    cleaned = {
        key: _cleaned(part)
        for key, part in schema.items()
        if not (key == "title" and isinstance(part, str)) and not (key == "examples" and not part)
    }
    if "patternProperties" in cleaned:
        cleaned["additionalProperties"] = False
    return cleaned

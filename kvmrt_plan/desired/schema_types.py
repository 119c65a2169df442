# SPDX-License-Identifier: Apache-2.0
"""How the types of the desired state are written in a document, as types for pydantic.

A CPU set is a cpulist or one number, None is the word auto, booleans are also KVM-RT's words. Every
type carries a JSON schema and validates with the parser that the YAML reader uses.
"""

from __future__ import annotations

from datetime import date
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, get_args
from uuid import UUID

from pydantic import PlainValidator, WithJsonSchema

from kvmrt_plan.desired.allow_attributes import (
    CODE_PATTERN,
    DATE_PATTERN,
    REASON_PATTERN,
    parse_code,
    parse_reason,
    parse_until,
)
from kvmrt_plan.desired.attribute import (
    AUTO,
    FALSE_WORDS,
    GOVERNOR_PATTERN,
    MAX_PRIORITY,
    TRUE_WORDS,
    UUID_PATTERN,
    BadValue,
    parse_bool,
    parse_bool_or_auto,
    parse_cpuset,
    parse_cpuset_or_auto,
    parse_governor,
    parse_name,
    parse_some_cpus,
    parse_some_cpus_or_auto,
    parse_text,
    parse_title,
    parse_topology,
    parse_uuid,
    word_parser,
)
from kvmrt_plan.desired.boot_attributes import (
    PCI_PATTERN,
    parse_argument,
    parse_boot_cpus,
    parse_pci,
    repeated,
)
from kvmrt_plan.desired.boot_model import Iommu
from kvmrt_plan.desired.guest import SWITCHES, Allocation, CpuMode, GuestClock, IoapicDriver
from kvmrt_plan.desired.host_knobs import PageMerging, TransparentHugepages
from kvmrt_plan.desired.irq_attribute import MAX_IRQ, parse_irq
from kvmrt_plan.desired.irqbalance import IrqbalancePolicy
from kvmrt_plan.desired.kthread_attributes import PRIORITIES, parse_kthread_priority
from kvmrt_plan.desired.kthread_model import Above, Unbound
from kvmrt_plan.desired.kvm_model import NxHugePages
from kvmrt_plan.desired.model import GuestTopology, PageSize, Pinning, ShieldBackend
from kvmrt_plan.desired.probe_attributes import (
    PING_PATTERN,
    TCP_PATTERN,
    parse_command,
    parse_ping,
    parse_tcp,
)
from kvmrt_plan.desired.thread_scheduler import SchedulerPolicy
from kvmrt_plan.values.boot_tokens import TOKEN_PATTERN
from kvmrt_plan.values.cpuset import CPULIST_PATTERN, ID_PATTERN, MAX_ID, CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

_Schema = dict[str, Any]


def _any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in word)


def _pattern(pattern: str, **more: Any) -> _Schema:
    return {"type": "string", "pattern": pattern, **more}


def _written(
    parse: Callable[[str], Any], *schemas: _Schema, types: tuple[type, ...] = (str,)
) -> Any:
    """A type whose document values are those that `parse` takes, of one of `types`."""

    def validate(value: object) -> Any:
        # True is an int for Python: a number must not be written as true.
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise ValueError("another type is expected")
        try:
            return parse(str(value))
        except BadValue as error:
            raise ValueError(f"{error.expected}; {error.remedy}") from None

    schema = schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}
    return Annotated[Any, PlainValidator(validate), WithJsonSchema(schema)]


def _word(words: type[StrEnum]) -> Any:
    return _written(word_parser(words), {"type": "string", "enum": [str(word) for word in words]})


_BOOL_WORDS = "|".join(_any_case(word) for word in (*TRUE_WORDS, *FALSE_WORDS))
_BOOL: tuple[_Schema, ...] = (
    {"type": "boolean"},
    _pattern(f"^({_BOOL_WORDS})$"),
    {"type": "integer", "enum": [0, 1]},
)
#: The word itself is what editors offer; any case is taken.
_AUTO: tuple[_Schema, ...] = ({"const": AUTO}, _pattern(rf"^\s*{_any_case(AUTO)}\s*$"))
_CPU_NUMBER: _Schema = {"type": "integer", "minimum": 0, "maximum": MAX_ID}
#: What no text may hold, beside line feed and tab: `desired/decode.py` has the whole of it.
_CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_CPULIST = _pattern(CPULIST_PATTERN)
_RANGE = rf"{ID_PATTERN}(-{ID_PATTERN})?"
_SOME_CPUS = _pattern(rf"^\s*{_RANGE}(\s*,\s*{_RANGE})*\s*$")
_POSITIVE = r"(?!0+\b)[0-9]{1,5}"
_TOPOLOGY = _pattern(rf"^\s*{_POSITIVE}\s*,\s*{_POSITIVE}\s*,\s*{_POSITIVE}\s*$")

#: A VM's name: one line, no slash, no blank at its ends.
VM_NAME = _written(parse_name, _pattern(r"^[^/\s]([^/\n\t]*[^/\s])?$"))


def _command(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("a list of texts is expected")
    try:
        return parse_command(value)
    except BadValue as error:
        raise ValueError(f"{error.expected}; {error.remedy}") from None


def _each(parse: Callable[[str], str], pattern: str) -> Any:
    """A list of texts, no key of which stands there twice."""

    def validate(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ValueError("a list of texts is expected")
        try:
            words = tuple(map(parse, value))
        except BadValue as error:
            raise ValueError(f"{error.expected}; {error.remedy}") from None
        if (twice := repeated(words)) is not None:
            raise ValueError(f"{twice} stands there twice")
        return words

    schema = {"type": "array", "items": _pattern(pattern)}
    return Annotated[Any, PlainValidator(validate), WithJsonSchema(schema)]


_BOOT_CPUS = _written(parse_boot_cpus, *_AUTO, _SOME_CPUS, _CPU_NUMBER, types=(str, int))

_KTHREAD_PRIORITY = (
    _written(
        parse_kthread_priority,
        {"type": "string", "enum": [str(Above.GUESTS)]},
        {"type": "integer", "minimum": 1, "maximum": MAX_PRIORITY},
        types=(str, int),
    )
    | None
)

_BY_NAME: dict[str, Any] = {
    **dict.fromkeys(PRIORITIES, _KTHREAD_PRIORITY),
    "kvmclock_periodic_sync": _written(parse_bool, *_BOOL, types=(bool, str, int)) | None,
    "nohz_full": _BOOT_CPUS,
    "rcu_nocbs": _BOOT_CPUS,
    "irqaffinity": _BOOT_CPUS,
    "managed_irqs": _BOOT_CPUS,
    "arguments": _each(parse_argument, TOKEN_PATTERN),
    "vfio_pci": _each(parse_pci, PCI_PATTERN),
    "name": _written(parse_title, _pattern(r"^[^\n]*$")),
    "command": Annotated[
        Any,
        PlainValidator(_command),
        WithJsonSchema(
            {
                "type": "array",
                "prefixItems": [{"type": "string", "minLength": 1}],
                "items": {"type": "string"},
                "minItems": 1,
            }
        ),
    ],
    "code": _written(parse_code, _pattern(CODE_PATTERN)),
    "reason": _written(parse_reason, _pattern(REASON_PATTERN)),
    "until": _written(parse_until, _pattern(DATE_PATTERN), types=(str, date)),
    "vm": _written(parse_title, _pattern(r"^[^\n]*$")),
    "tcp": _written(parse_tcp, _pattern(TCP_PATTERN)),
    "ping": _written(parse_ping, _pattern(PING_PATTERN)),
    "title": _written(parse_title, _pattern(rf"^[^\n{_CONTROL}]*$")),
    **dict.fromkeys(
        ("description", "comments"), _written(parse_text, _pattern(rf"^[^{_CONTROL}]*$"))
    ),
    "housekeeping": _written(
        parse_some_cpus_or_auto, *_AUTO, _SOME_CPUS, _CPU_NUMBER, types=(str, int)
    ),
    "cpus": _written(parse_some_cpus, _SOME_CPUS, _CPU_NUMBER, types=(str, int)),
    "cell_nodes": _written(parse_some_cpus, _SOME_CPUS, _CPU_NUMBER, types=(str, int)) | None,
    # Unset is unmanaged; the booleans of KVM-RT have auto instead.
    **dict.fromkeys(SWITCHES, _written(parse_bool, *_BOOL, types=(bool, str, int)) | None),
    "energy_preference": _written(parse_governor, _pattern(f"^{GOVERNOR_PATTERN}$")),
    "governor": _written(parse_governor, _pattern(f"^{GOVERNOR_PATTERN}$")),
    "irq": _written(
        parse_irq,
        {"type": "integer", "minimum": 0, "maximum": MAX_IRQ},
        _pattern(r"^(?![0-9]+$)[^/\n]+$", maxLength=255),
        types=(int, str),
    ),
}
_BY_TYPE: dict[Any, Any] = {
    UUID: _written(parse_uuid, _pattern(UUID_PATTERN)),
    bool: _written(parse_bool, *_BOOL, types=(bool, str, int)),
    bool | None: _written(parse_bool_or_auto, *_AUTO, *_BOOL, types=(bool, str, int)),
    CpuSet: _written(parse_cpuset, _CPULIST, _CPU_NUMBER, types=(str, int)),
    CpuSet | None: _written(parse_cpuset_or_auto, *_AUTO, _CPULIST, _CPU_NUMBER, types=(str, int)),
    GuestTopology | None: _written(parse_topology, *_AUTO, _TOPOLOGY),
    Allocation: _word(Allocation),
    CpuMode: _word(CpuMode),
    IoapicDriver: _word(IoapicDriver),
    PageMerging: _word(PageMerging),
    TransparentHugepages: _word(TransparentHugepages),
    Iommu: _word(Iommu),
    GuestClock: _word(GuestClock),
    NxHugePages: _word(NxHugePages),
    Unbound: _word(Unbound),
    PageSize: _word(PageSize),
    Pinning: _word(Pinning),
    SchedulerPolicy: _word(SchedulerPolicy),
    ShieldBackend: _word(ShieldBackend),
    IrqbalancePolicy: _word(IrqbalancePolicy),
}


def document_type(name: str, annotation: Any, nested: Callable[[Any], Any]) -> Any:
    """How a field of the model is written; `nested` makes the types of dataclasses."""
    written = _BY_NAME.get(name) or _BY_TYPE.get(annotation)
    if written is not None:
        return written
    if isinstance(annotation, UnionType):
        inner, _ = get_args(annotation)
        return document_type(name, inner, nested) | None
    if getattr(annotation, "__origin__", None) is tuple:
        return list[nested(get_args(annotation)[0])]  # type: ignore[misc]
    return annotation if annotation in (str, int) else nested(annotation)

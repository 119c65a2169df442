# SPDX-License-Identifier: Apache-2.0
"""Edits of KVM-RT's file: only the lines of the attribute that changes are rewritten.

Indentation, delimiter and alignment follow the file; a comment amid a rewritten value stays below it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.desired.attribute import format_attribute
from kvmrt_plan.desired.edit import (
    DEFAULTS,
    add_uncarried,
    is_default,
    read_before_edit,
    values_to_write,
    verify_edit,
    vm_of,
    with_values,
)
from kvmrt_plan.desired.ini_lines import COMMENT_MARKS, IniEntry, IniSection, lex_ini
from kvmrt_plan.desired.model import FURTHER_ATTRIBUTES, KVMRT_ATTRIBUTES, Configuration
from kvmrt_plan.desired.problems import BAD_VALUE, Problems
from kvmrt_plan.errors import DesiredStateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from kvmrt_plan.desired.model import VirtualMachine

_START = re.compile(r"(?P<indent>\s*)(?P<key>[^=:]*?)(?P<gap>\s*)(?P<mark>[=:])(?P<space>\s*)")


def set_attributes(
    text: str, *, uuid: UUID, values: Mapping[str, str | None], file: str = ""
) -> str:
    """The text with attributes of one VM set; None removes the attribute, which gives its default.

    Raises:
        DesiredStateError: the text has errors, a value is wrong, or INI cannot carry it.
        KeyError: no VM has this UUID, or an attribute does not exist.
    """
    before = read_before_edit(text, is_yaml=False, file=file)
    intended = with_values(before, uuid, values)
    refuse_uncarried(Configuration(vms=(vm_of(intended, uuid),), file=file))
    for name, value in values.items():
        text = _set_one(text, _section_line(before, uuid), name, value)
    return verify_edit(text, intended, is_yaml=False)


def add_vm(text: str, vm: VirtualMachine, *, file: str = "") -> str:
    """The text with a section for one more VM at its end.

    Raises:
        DesiredStateError: the text has errors, the VM is in it, or INI cannot carry an attribute.
    """
    return add_vms(text, (vm,), file=file)


def add_vms(text: str, vms: Iterable[VirtualMachine], *, file: str = "") -> str:
    """The text with a section for each of these VMs at its end.

    Raises:
        DesiredStateError: as `add_vm`, for all of them.
    """
    before = read_before_edit(text, is_yaml=False, file=file, may_be_empty=True)
    added = tuple(vms)
    intended = Configuration(host=before.host, vms=(*before.vms, *added), file=file)
    refuse_uncarried(Configuration(vms=added, file=file))
    if text and not text.endswith("\n"):
        text += "\n"
    sections = "\n".join(_format_vm(vm) for vm in added)
    return verify_edit(f"{text}{text and chr(10)}{sections}", intended, is_yaml=False)


def format_ini(configuration: Configuration) -> str:
    """A whole new file that reads as the configuration.

    Raises:
        DesiredStateError: INI cannot carry the host part, a further attribute or a text; all are named.
    """
    refuse_uncarried(configuration)
    text = "\n".join(_format_vm(vm) for vm in configuration.vms)
    return verify_edit(text, configuration, is_yaml=False) if configuration.vms else text


def refuse_uncarried(configuration: Configuration) -> None:
    """Check that INI can say all that the configuration says.

    Raises:
        DesiredStateError: it cannot; every attribute is named.
    """
    problems = Problems(configuration.file)
    if not is_default(configuration.host):
        problems.add(
            BAD_VALUE,
            None,
            summary="INI has no host part",
            remedy="keep the configuration in a YAML file",
        )
    for vm in configuration.vms:
        for name in values_to_write(vm):
            if name in FURTHER_ATTRIBUTES or not _carries(format_attribute(vm, name) or ""):
                add_uncarried(vm, name, problems)
    if problems:
        raise DesiredStateError(problems.findings())


def _carries(value: str) -> bool:
    """Whether a text survives being written and read."""
    sections = lex_ini("[x]\n" + "\n".join(_value_lines("k = ", value, "    ")), Problems(""))
    return [entry.value for entry in sections[0].entries] == [value]


def _format_vm(vm: VirtualMachine) -> str:
    lines = [f"[{vm.uuid}]"]
    for name in KVMRT_ATTRIBUTES:
        value = format_attribute(vm, name) or ""
        if value or DEFAULTS.get(name) != getattr(vm, name):
            lines += _value_lines(f"{name} = ", value, " " * len(f"{name} = "))
    return "\n".join(lines) + "\n"


def _value_lines(start: str, value: str, indent: str) -> list[str]:
    """The lines of an attribute; blank lines amid it stay blank."""
    first, *rest = value.split("\n")
    return [(start + first).rstrip(), *(indent + line if line else "" for line in rest)]


def _section_line(configuration: Configuration, uuid: UUID) -> int:
    """The line of the VM's title; edits go on below it, so it stays the same."""
    source = vm_of(configuration, uuid).sources["uuid"]
    assert source.line is not None
    return source.line


def _set_one(text: str, section_line: int, name: str, value: str | None) -> str:
    section = next(one for one in lex_ini(text, Problems("")) if one.line == section_line)
    lines = text.split("\n")
    entry = next((one for one in section.entries if one.key == name), None)
    if entry is not None:
        old = lines[entry.line - 1 : entry.last_line]
        comments = [line for line in old[1:] if line.strip().startswith(COMMENT_MARKS)]
        new = [] if value is None else _rewritten(old, value)
        lines[entry.line - 1 : entry.last_line] = [*new, *comments]
    elif value is not None:
        place, new = _inserted(lines, section, name, value)
        lines[place:place] = new
    return "\n".join(lines)


def _rewritten(old: list[str], value: str) -> list[str]:
    start = _START.match(old[0])
    assert start is not None
    prefix = start[0] if old[0].strip() != start[0].strip() else old[0].rstrip() + " "
    continued = [line for line in old[1:] if line.strip()]
    indent = "".join("\t" if character == "\t" else " " for character in prefix)
    if continued and not continued[0].strip().startswith(COMMENT_MARKS):
        indent = continued[0][: len(continued[0]) - len(continued[0].lstrip())]
    return _value_lines(prefix, value, indent)


def _inserted(
    lines: list[str], section: IniSection, name: str, value: str
) -> tuple[int, list[str]]:
    """Where an attribute that is not in the section goes, and its lines."""
    order = KVMRT_ATTRIBUTES.index(name)
    earlier = [entry for entry in section.entries if entry.key in KVMRT_ATTRIBUTES[:order]]
    neighbour: IniEntry = earlier[-1] if earlier else section.entries[0]
    place = neighbour.last_line if earlier else neighbour.line - 1
    start = _START.match(lines[neighbour.line - 1])
    assert start is not None
    if len(start["gap"]) > 1:
        key = name.ljust(len(start["key"] + start["gap"]) - 1) + " "
    else:
        key = name + start["gap"]
    has_value = lines[neighbour.line - 1].strip() != start[0].strip()
    space = start["space"] if has_value else start["gap"]
    prefix = f"{start['indent']}{key}{start['mark']}{space}"
    indent = re.sub(r"[^\t]", " ", prefix)
    return place, _value_lines(prefix, value, indent)

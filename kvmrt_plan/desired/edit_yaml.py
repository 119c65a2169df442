# SPDX-License-Identifier: Apache-2.0
"""Edits of YAML files: only the characters of the value that changes are replaced.

A round trip through a YAML library keeps comments but sets indentation, quotes and spacing anew; here
the places that the parser gives are used to cut out one value, so that a review shows one line.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.desired.attribute import ATTRIBUTES, TEXT_ATTRIBUTES
from kvmrt_plan.desired.edit import (
    is_default,
    read_before_edit,
    verify_edit,
    vm_of,
    with_values,
)
from kvmrt_plan.desired.problems import Problems
from kvmrt_plan.desired.yaml_nodes import compose_yaml
from kvmrt_plan.desired.yaml_text import (
    INDENT,
    attribute_lines,
    host_lines,
    literal_block,
    scheduler_texts,
    vm_in_flow,
    vm_lines,
    yaml_key,
    yaml_value,
)
from kvmrt_plan.desired.yaml_tree import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping as Values
    from uuid import UUID

    from kvmrt_plan.desired.model import Configuration, VirtualMachine

_ORDER = ("uuid", *ATTRIBUTES)
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*")


def set_attributes(
    text: str, *, uuid: UUID, values: Values[str, str | None], file: str = ""
) -> str:
    """The text with attributes of one VM set; None removes the attribute, which gives its default.

    Texts are those of INI; schedulers are `policy,priority`. Setting `name` renames the key.

    Raises:
        DesiredStateError: the text has errors, or a value is wrong; all are named.
        KeyError: no VM has this UUID, or an attribute does not exist.
    """
    before = read_before_edit(text, is_yaml=True, file=file)
    intended = with_values(before, uuid, values)
    name = vm_of(before, uuid).name
    for attribute, value in sorted(values.items(), key=lambda item: item[0] == "name"):
        text = _set_one(text, name, attribute, value)
    return verify_edit(text, intended, is_yaml=True)


def add_vm(text: str, vm: VirtualMachine, *, file: str = "") -> str:
    """The text with one more VM below the others.

    Raises:
        DesiredStateError: the text has errors, or a VM of this name is in it.
    """
    return add_vms(text, (vm,), file=file)


def add_vms(text: str, vms: Iterable[VirtualMachine], *, file: str = "") -> str:
    """The text with these VMs below the others.

    Raises:
        DesiredStateError: as `add_vm`, for all of them.
    """
    before = read_before_edit(text, is_yaml=True, file=file, may_be_empty=True)
    added = tuple(vms)
    intended = replace(before, vms=(*before.vms, *added), file=file)
    return verify_edit(_added(text, added), intended, is_yaml=True)


def format_yaml(configuration: Configuration, *, schema: str = "") -> str:
    """A whole new file that reads as the configuration.

    `schema` is where editors find the JSON schema, for the file's first line.
    """
    lines = [f"# yaml-language-server: $schema={schema}"] if schema else []
    lines.append("version: 1")
    if not is_default(configuration.host):
        lines += host_lines(configuration.host)
    if configuration.vms:
        lines.append("vms:")
    for vm in configuration.vms:
        lines += vm_lines(vm, INDENT)
    text = "\n".join(lines) + "\n"
    if not configuration.vms and is_default(configuration.host):
        return text
    return verify_edit(text, configuration, is_yaml=True)


def _added(text: str, vms: tuple[VirtualMachine, ...]) -> str:
    root = compose_yaml(text, Problems(""))
    if not isinstance(root, Mapping):
        start = text if not text or text.endswith("\n") else text + "\n"
        return start + "\n".join(["vms:", *_lines_of(vms, INDENT)]) + "\n"
    if "vms" not in root.entries:
        if root.flow:
            quoted = _has_quoted_keys(root)
            entry = f"{yaml_key('vms', quoted=quoted)}: {{{_in_flow(vms, quoted=quoted)}}}"
            return _with_entry_in_flow(text, root, entry)
        return _with_lines(text, _end(root, text), ["vms:", *_lines_of(vms, INDENT)])
    key, present = root.entries["vms"]
    if isinstance(present, Mapping) and present.entries and not present.flow:
        indent = " " * next(iter(present.entries.values()))[0].column
        return _with_lines(text, _end(present, text), _lines_of(vms, indent))
    if isinstance(present, Mapping) and present.flow and (present.entries or root.flow):
        return _with_entry_in_flow(text, present, _in_flow(vms, quoted=_has_quoted_keys(root)))
    return _with_first_vms(text, root, key, present, vms)


def _with_first_vms(
    text: str, root: Mapping, key: Scalar, empty: Node, vms: tuple[VirtualMachine, ...]
) -> str:
    """Where `vms` has no value, or an empty one."""
    if root.flow:
        inner = f"{{{_in_flow(vms, quoted=_has_quoted_keys(root))}}}"
        return f"{text[: empty.start]}{inner}{text[empty.end :]}"
    colon = text.index(":", key.end) + 1
    if empty.end > empty.start:
        text = f"{text[: empty.start].rstrip(' ')}{text[empty.end :]}"
    return _with_lines(text, colon, _lines_of(vms, INDENT))


def _lines_of(vms: tuple[VirtualMachine, ...], indent: str) -> list[str]:
    return [line for vm in vms for line in vm_lines(vm, indent)]


def _in_flow(vms: tuple[VirtualMachine, ...], *, quoted: bool) -> str:
    return ", ".join(vm_in_flow(vm, quoted=quoted) for vm in vms)


def _set_one(text: str, vm_name: str, attribute: str, value: str | None) -> str:
    root = compose_yaml(text, Problems(""))
    assert isinstance(root, Mapping)
    vms = root.get("vms")
    assert isinstance(vms, Mapping)
    key, body = vms.entries[vm_name]
    assert isinstance(body, Mapping)
    if attribute == "name":
        assert value is not None
        return _replaced(text, key.start, key.end, yaml_key(value, quoted=key.style == '"'))
    if attribute not in body.entries:
        return text if value is None else _with_attribute(text, body, attribute, value)
    if value is None:
        return _without_entry(text, body, attribute)
    return _with_value(text, body, attribute, value)


def _with_value(text: str, body: Mapping, attribute: str, value: str) -> str:
    key, old = body.entries[attribute]
    quoted = _has_quoted_keys(body)
    if isinstance(old, Mapping):
        for part, new in reversed(_by_place(old, scheduler_texts(value))):
            text = _replaced(text, part.start, part.end, yaml_value("", new, quoted=quoted))
        return text
    inline = yaml_value(attribute, value, in_flow=body.flow, quoted=quoted)
    block = None
    if attribute in TEXT_ATTRIBUTES and not body.flow:
        block = literal_block(value, " " * key.column + INDENT)
    header, lines = block or (inline, [])
    if isinstance(old, Scalar) and old.style in ("|", ">"):
        return _with_block_replaced(text, old, header, lines)
    if old.start == old.end:
        colon = text.index(":", key.end) + 1
        return _replaced(text, colon, colon, f" {header}")
    line_end = _line_end(text, old.end)
    rest = text[old.end : line_end]
    below = "".join(f"\n{line}" for line in lines)
    return f"{text[: old.start]}{header}{rest}{below}{text[line_end:]}"


def _by_place(scheduler: Mapping, texts: dict[str, str]) -> list[tuple[Scalar, str]]:
    parts = []
    for name, new in texts.items():
        part = scheduler.get(name)
        assert isinstance(part, Scalar)
        parts.append((part, new))
    return sorted(parts, key=lambda part: part[0].start)


def _with_block_replaced(text: str, old: Scalar, header: str, lines: list[str]) -> str:
    """A block scalar's header line keeps its comment, the blank lines below it stay."""
    matched = _BLOCK_HEADER.match(text, old.start)
    assert matched is not None
    comment = text[matched.end() : _line_end(text, matched.end())]
    below = "".join(f"{line}\n" for line in lines)
    return f"{text[: old.start]}{header}{comment}\n{below}{text[_end(old, text) :]}"


def _with_attribute(text: str, body: Mapping, attribute: str, value: str) -> str:
    """An attribute that the VM does not have goes below the last of those it is usually below."""
    present = [name for name in _ORDER[: _ORDER.index(attribute)] if name in body.entries]
    key, neighbour = body.entries[present[-1]]
    if not body.flow:
        return _with_lines(
            text, _end(neighbour, text), attribute_lines(attribute, value, " " * key.column)
        )
    quoted = key.style == '"'
    new = f"{yaml_key(attribute, quoted=quoted)}: "
    new += yaml_value(attribute, value, in_flow=True, quoted=quoted)
    gap = "\n" + " " * key.column if key.line > body.line else " "
    place = _end(neighbour, text)
    return _replaced(text, place, place, f",{gap}{new}")


def _without_entry(text: str, body: Mapping, attribute: str) -> str:
    key, value = body.entries[attribute]
    if not body.flow:
        end = _end(value, text)
        if end and text[end - 1] != "\n":
            end = min(_line_end(text, max(end, key.end)) + 1, len(text))
        return _replaced(text, text.rfind("\n", 0, key.start) + 1, end, "")
    names = list(body.entries)
    place = names.index(attribute)
    if place:
        previous = body.entries[names[place - 1]][1]
        return _replaced(text, _end(previous, text), _end(value, text), "")
    return _replaced(text, key.start, body.entries[names[1]][0].start, "")


def _with_entry_in_flow(text: str, mapping: Mapping, entry: str) -> str:
    if not mapping.entries:
        return _replaced(text, mapping.start + 1, mapping.start + 1, entry)
    place = _end(list(mapping.entries.values())[-1][1], text)
    return _replaced(text, place, place, f", {entry}")


def _with_lines(text: str, place: int, lines: list[str]) -> str:
    """Lines put below the line that ends at or after `place`."""
    if not place or text[place - 1] != "\n":
        place = _line_end(text, place) + 1
        if place > len(text):
            text += "\n"
    return _replaced(text, place, place, "".join(f"{line}\n" for line in lines))


def _end(node: Node, text: str) -> int:
    """Where the visible part of a node ends; a block's own end mark stands before the next token."""
    if isinstance(node, Mapping) and not node.flow:
        key, value = list(node.entries.values())[-1]
        return max(key.end, _end(value, text))
    if isinstance(node, Sequence) and not node.flow:
        return _end(node.items[-1], text) if node.items else node.end
    if isinstance(node, Scalar) and node.style in ("|", ">"):
        header = _BLOCK_HEADER.match(text, node.start)
        if header and "+" not in header[0]:
            last = len(text[: node.end].rstrip(" \n"))
            return min(_line_end(text, last) + 1, node.end)
    return node.end


def _has_quoted_keys(mapping: Mapping) -> bool:
    return any(key.style == '"' for key, _ in mapping.entries.values())


def _line_end(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found


def _replaced(text: str, start: int, end: int, new: str) -> str:
    return text[:start] + new + text[end:]

# SPDX-License-Identifier: Apache-2.0
"""What edits of INI and YAML files share: the state an edit is meant to lead to, and the proof of it.

An edit is made on the text, so that comments, order and layout outside the edited lines stay as they
are. Its result is always read again and compared with the intended state; a difference raises, and
nothing has been written by then.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from typing import TYPE_CHECKING, Any

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.attribute import ATTRIBUTES, BadValue, format_attribute
from kvmrt_plan.desired.load import read_text
from kvmrt_plan.desired.model import Configuration, VirtualMachine
from kvmrt_plan.desired.problems import Problems, quote
from kvmrt_plan.errors import DesiredStateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from kvmrt_plan.desired.model import HostPolicy

#: The value of every attribute that has a default.
DEFAULTS: dict[str, Any] = {
    one.name: one.default for one in fields(VirtualMachine) if one.default is not MISSING
}


def read_before_edit(
    text: str, *, is_yaml: bool, file: str, may_be_empty: bool = False
) -> Configuration:
    """The configuration in a text that is about to be edited.

    Raises:
        DesiredStateError: the text has errors, which must be repaired first.
    """
    problems = Problems(file)
    configuration = read_text(text, problems, is_yaml=is_yaml)
    findings = problems.findings()
    if findings and not (may_be_empty and findings[0].code == codes.EMPTY_FILE):
        raise DesiredStateError(findings)
    return configuration


def with_values(
    configuration: Configuration, uuid: UUID, values: Mapping[str, str | None]
) -> Configuration:
    """The configuration with attributes of one VM set from their texts; None is the default.

    Raises:
        DesiredStateError: a text is no value of its attribute; all are named.
        KeyError: there is no such VM or attribute.
    """
    vm = vm_of(configuration, uuid)
    problems = Problems(configuration.file)
    parsed: dict[str, Any] = {}
    for name, text in values.items():
        if text is None:
            parsed[name] = DEFAULTS[name]
            continue
        try:
            parsed[name] = ATTRIBUTES[name](text)
        except BadValue as error:
            problems.add(
                error.code,
                None,
                summary=f"{vm.name}: {name} {quote(text)}: {error.expected}",
                remedy=error.remedy,
                vm=vm.name,
            )
    if problems:
        raise DesiredStateError(problems.findings())
    changed = replace(vm, **parsed)
    return replace(
        configuration, vms=tuple(changed if one is vm else one for one in configuration.vms)
    )


def vm_of(configuration: Configuration, uuid: UUID) -> VirtualMachine:
    """The VM with this UUID.

    Raises:
        KeyError: there is none.
    """
    for vm in configuration.vms:
        if vm.uuid == uuid:
            return vm
    raise KeyError(f"no VM has the UUID {uuid}")


def verify_edit(text: str, intended: Configuration, *, is_yaml: bool) -> str:
    """The text, once it is proven to say what is intended.

    Raises:
        DesiredStateError: it does not; every attribute that differs is named.
    """
    problems = Problems(intended.file)
    actual = read_text(text, problems, is_yaml=is_yaml)
    if problems:
        raise DesiredStateError(problems.findings())
    if actual != intended:
        _add_differences(intended, actual, problems)
        raise DesiredStateError(problems.findings())
    return text


def _add_differences(intended: Configuration, actual: Configuration, problems: Problems) -> None:
    read = {vm.uuid: vm for vm in actual.vms}
    for vm in intended.vms:
        for attribute in ATTRIBUTES:
            meant = format_attribute(vm, attribute)
            found = format_attribute(read[vm.uuid], attribute) if vm.uuid in read else None
            if meant != found:
                add_uncarried(vm, attribute, problems)
    if not problems:
        problems.add(
            codes.BAD_VALUE,
            None,
            summary="the file would not say what is intended after the edit",
            remedy="edit the file by hand",
        )


def add_uncarried(vm: VirtualMachine, attribute: str, problems: Problems) -> None:
    """Note that the file's format cannot carry the value of an attribute."""
    problems.add(
        codes.BAD_VALUE,
        None,
        summary=f"{vm.name}: {attribute} {quote(format_attribute(vm, attribute) or '')}"
        " cannot be written in this file's format",
        remedy="in INI no line may begin with #, ; or a blank or end with one, and only YAML has the"
        " host part and further attributes; change the value, or use a YAML file",
        vm=vm.name,
    )


def values_to_write(vm: VirtualMachine) -> dict[str, str]:
    """The texts of all attributes that do not have their default, in the order of files."""
    texts = {
        name: format_attribute(vm, name)
        for name in ATTRIBUTES
        if name == "name" or getattr(vm, name) != DEFAULTS[name]
    }
    return {name: text for name, text in texts.items() if text is not None}


def is_default(host: HostPolicy) -> bool:
    """Whether the host part says nothing."""
    return host == type(host)()

# SPDX-License-Identifier: Apache-2.0
"""KVM-RT's file to virtual machines: one section per VM, titled with its UUID, twelve attributes.

An attribute that is absent, or present without a value, has its default; for `cpuset` and `numatune`
an empty value is a value of its own. INI has no host part and none of the further attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.attribute import ATTRIBUTES, TEXT_ATTRIBUTES, BadValue, parse_uuid
from kvmrt_plan.desired.ini_lines import lex_ini
from kvmrt_plan.desired.model import (
    FURTHER_ATTRIBUTES,
    KVMRT_ATTRIBUTES,
    Configuration,
    VirtualMachine,
)
from kvmrt_plan.desired.problems import label_of, quote

if TYPE_CHECKING:
    from uuid import UUID

    from kvmrt_plan.desired.ini_lines import IniEntry, IniSection
    from kvmrt_plan.desired.problems import Problems
    from kvmrt_plan.diagnostics import Source

#: Without a value these are empty, not at their default.
_EMPTY_IS_A_VALUE = TEXT_ATTRIBUTES | {"cpuset", "numatune"}
#: configparser copies what stands in this section into every other.
_SHARED_SECTION = "DEFAULT"


def read_ini(text: str, problems: Problems) -> Configuration:
    """The VMs of a text that could be read; what could not is added to `problems`."""
    sections = lex_ini(text, problems)
    if not sections and not problems:
        problems.add(
            codes.EMPTY_FILE,
            None,
            summary="the file has no section",
            remedy="write one section for each VM: [UUID], then name = NAME",
        )
    seen: dict[UUID, int] = {}
    vms = [_read_section(section, seen, problems) for section in sections]
    return Configuration(vms=tuple(vm for vm in vms if vm is not None), file=problems.file)


def _read_section(
    section: IniSection, seen: dict[UUID, int], problems: Problems
) -> VirtualMachine | None:
    label = next((entry.value for entry in section.entries if entry.key == "name"), "")
    label = label or section.title
    uuid = _read_title(section, seen, label, problems)
    values, sources = _read_entries(section, label, problems)
    if "name" not in sources and section.title != _SHARED_SECTION:
        problems.add(
            codes.MISSING_ATTRIBUTE,
            section.line,
            summary=f"section {quote(section.title)} has no name",
            remedy="add `name = NAME`, the libvirt domain's name",
            vm=label,
        )
    if uuid is None or "name" not in values:
        return None
    return VirtualMachine(uuid=uuid, **values, sources=sources)


def _read_title(
    section: IniSection, seen: dict[UUID, int], label: str, problems: Problems
) -> UUID | None:
    if section.title == _SHARED_SECTION:
        problems.add(
            codes.BAD_VALUE,
            section.line,
            summary=f"section {quote(section.title)} is not a VM: INI readers copy it into all others",
            remedy="write its attributes into the section of each VM",
        )
        return None
    try:
        uuid = parse_uuid(section.title)
    except BadValue as error:
        problems.add(
            codes.BAD_VALUE,
            section.line,
            summary=f"section {quote(section.title)}: {error.expected}",
            remedy=error.remedy,
            vm=label,
        )
        return None
    first_line = seen.setdefault(uuid, section.line)
    if first_line != section.line:
        what = f"section {quote(section.title)}"
        problems.add_duplicate(what, line=section.line, first_line=first_line, vm=label)
    return uuid


def _read_entries(
    section: IniSection, label: str, problems: Problems
) -> tuple[dict[str, Any], dict[str, Source]]:
    values: dict[str, Any] = {}
    sources = {"": problems.source(section.line), "uuid": problems.source(section.line)}
    seen: dict[str, int] = {}
    for entry in section.entries:
        first_line = seen.setdefault(entry.key, entry.line)
        if first_line != entry.line:
            what = f"{label_of(label)}: {quote(entry.key)}"
            problems.add_duplicate(what, line=entry.line, first_line=first_line, vm=label)
        elif entry.key not in KVMRT_ATTRIBUTES:
            _report_unknown(entry, label, problems)
        elif entry.value or entry.key != "name":
            sources[entry.key] = problems.source(entry.line)
            _read_value(entry, values, label, problems)
    return values, sources


def _read_value(entry: IniEntry, values: dict[str, Any], label: str, problems: Problems) -> None:
    text = entry.value
    if not text and entry.key not in _EMPTY_IS_A_VALUE:
        return
    if entry.key not in {"description", "comments"}:
        # A value may begin on the line below its key.
        text = text.strip()
    try:
        values[entry.key] = ATTRIBUTES[entry.key](text)
    except BadValue as error:
        problems.add(
            error.code,
            entry.line,
            summary=f"{label_of(label)}: {entry.key} {quote(text)}: {error.expected}",
            remedy=error.remedy,
            vm=label,
        )


def _report_unknown(entry: IniEntry, label: str, problems: Problems) -> None:
    if entry.key in FURTHER_ATTRIBUTES:
        problems.add(
            codes.UNKNOWN_ATTRIBUTE,
            entry.line,
            summary=f"{label_of(label)}: {entry.key} is an attribute of YAML files only",
            remedy="remove it, or keep the configuration in a YAML file",
            vm=label,
        )
    elif entry.key == "uuid":
        problems.add(
            codes.UNKNOWN_ATTRIBUTE,
            entry.line,
            summary=f"{label_of(label)}: unknown attribute 'uuid'",
            remedy="write the UUID as the section's title, [UUID], and remove this line",
            vm=label,
        )
    else:
        problems.add_unknown(
            entry.key,
            line=entry.line,
            known=KVMRT_ATTRIBUTES,
            where=label_of(label),
            vm=label,
        )

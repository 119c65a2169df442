# SPDX-License-Identifier: Apache-2.0
"""Adds converted VMs to the text of a configuration; comments and layout stay, nothing is ever changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kvmrt_plan.conversions.converted import LeftOut
from kvmrt_plan.desired.attribute import format_attribute
from kvmrt_plan.desired.load import is_yaml
from kvmrt_plan.desired.model import FURTHER_ATTRIBUTES, Configuration, HostPolicy

if TYPE_CHECKING:
    from kvmrt_plan.conversions.converted import Converted
    from kvmrt_plan.desired.model import VirtualMachine

_NO_INI = "only YAML has it; keep the configuration in a .yaml file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The new text, and what became of each VM."""

    text: str
    added: tuple[VirtualMachine, ...]
    #: In the file already, by UUID or by name, and left alone.
    present: tuple[VirtualMachine, ...]
    left_out: tuple[LeftOut, ...]


def add_converted(text: str, configuration: Configuration, converted: Converted) -> Added:
    """The text with those VMs that it does not have.

    Args:
        text: the file as it is; "" for one that is to be made.
        configuration: what it says, with the file's name.
        converted: without findings.

    Raises:
        DesiredStateError: the format cannot carry a text; nothing may be written then.
    """
    known = {vm.uuid for vm in configuration.vms} | {vm.name for vm in configuration.vms}
    present = tuple(vm for vm in converted.vms if vm.uuid in known or vm.name in known)
    missing = tuple(vm for vm in converted.vms if vm not in present)
    is_in_yaml = is_yaml(configuration.file, text)
    left_out = list(converted.left_out)
    if not is_in_yaml:
        missing = tuple(_for_ini(vm, left_out) for vm in missing)
    if not missing:
        return Added(text=text, added=(), present=present, left_out=tuple(left_out))
    housekeeping = converted.housekeeping
    if housekeeping and not (is_in_yaml and not text):
        why = (
            _NO_INI if not is_in_yaml else "the file's own host part stays as it is; write it there"
        )
        left_out.append(
            LeftOut(vm="", name="host.housekeeping", value=str(housekeeping), line=None, why=why)
        )
        housekeeping = None
    return Added(
        text=_text(text, missing, configuration.file, HostPolicy(housekeeping=housekeeping)),
        added=missing,
        present=present,
        left_out=tuple(left_out),
    )


def _for_ini(vm: VirtualMachine, left_out: list[LeftOut]) -> VirtualMachine:
    """The VM without what INI cannot say, which is listed."""
    unset: dict[str, Any] = {}
    for name in FURTHER_ATTRIBUTES:
        value = getattr(vm, name)
        if value is not None and name != "pinning":
            text = format_attribute(vm, name) or ""
            left_out.append(LeftOut(vm=vm.name, name=name, value=text, line=None, why=_NO_INI))
            unset[name] = None
    return replace(vm, **unset)


def _text(text: str, vms: tuple[VirtualMachine, ...], file: str, host: HostPolicy) -> str:
    # The parser of YAML takes 20 ms to load, which an INI file does not have to pay.
    if not is_yaml(file, text):
        from kvmrt_plan.desired import edit_ini

        return edit_ini.add_vms(text, vms, file=file)
    from kvmrt_plan.desired import edit_yaml

    if not text and host.housekeeping is not None:
        return edit_yaml.format_yaml(Configuration(host=host, vms=vms, file=file))
    return edit_yaml.add_vms(text, vms, file=file)

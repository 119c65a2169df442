# SPDX-License-Identifier: Apache-2.0
"""Lines that kvmrt owns in configuration files: KVM's options in /etc/modprobe.d, and the assignments of
RedHawk's shield service, which is restarted when they change.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import subject_of
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.kvm import OWN_FILE, PARAMETERS, options_text, own_options
from kvmrt_plan.facts.shield_file import ASSIGNMENTS, SHIELD_FILE, parse_shield_file, shield_text
from kvmrt_plan.values.filevalue import FileValue, format_file, parse_file

if TYPE_CHECKING:
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host

SHIELD_SERVICE = "shield.service"
_OPTION = re.compile(r"([a-z_]+)\.([a-z_]+)=(?:[0-9]{1,10}|[YN]|never)")


def read_lines(host: Host, step: Step) -> str | None:
    """The own lines as the plan writes them; None when there are none.

    Raises:
        WriteRefusedError: the file cannot be read.
    """
    subject_of(step.kind, step.address)
    if step.kind is Kind.MODULE_OPTIONS:
        return " ".join(own_options(_content(_present(host, OWN_FILE)))) or None
    return parse_shield_file(_content(_present(host, SHIELD_FILE))).own or None


def write_lines(host: Host, step: Step) -> None:
    """Write the own lines, and have the shield service read them.

    Raises:
        WriteRefusedError: the value is none that kvmrt writes, or the file or the service refuses.
    """
    subject_of(step.kind, step.address)
    value = step.new or ""
    if step.kind is Kind.MODULE_OPTIONS:
        options = value.split()
        for option in options:
            matched = _OPTION.fullmatch(option)
            if matched is None or PARAMETERS.get(matched[2]) != matched[1]:
                raise WriteRefusedError(step.address, f"{option!r} is no option that kvmrt writes")
        _replace(host, OWN_FILE, _present(host, OWN_FILE), options_text(options))
        return
    if value and ASSIGNMENTS.fullmatch(value) is None:
        raise WriteRefusedError(step.address, f"{value[:80]!r} is no list of assignments")
    present = _present(host, SHIELD_FILE)
    _replace(host, SHIELD_FILE, present, shield_text(_content(present), value))
    host.restart_service(SHIELD_SERVICE)


def _present(host: Host, path: str) -> FileValue | None:
    value = host.read_file(path)
    return None if value is None else parse_file(value)


def _content(present: FileValue | None) -> str | None:
    return None if present is None else present.content


def _replace(host: Host, path: str, present: FileValue | None, text: str | None) -> None:
    if text == _content(present):
        return
    if text is None:
        host.replace_file(path, None)
        return
    mode, uid, gid = (present.mode, present.uid, present.gid) if present else (0o644, 0, 0)
    host.replace_file(path, format_file(FileValue(mode=mode, uid=uid, gid=gid, content=text)))

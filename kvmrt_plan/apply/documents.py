# SPDX-License-Identifier: Apache-2.0
"""Configuration files that kvmrt installs, and whether systemd starts their unit at boot.

The value of a file holds its mode and owner (`values/filevalue.py`), so taking a change back restores
them too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import subject_of
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.values.filevalue import parse_file

if TYPE_CHECKING:
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host

ENABLED, DISABLED = "enabled", "disabled"


def read_installed(host: Host, step: Step) -> str | None:
    """The file as it is, or whether the unit is enabled.

    Raises:
        WriteRefusedError: it cannot be read.
    """
    subject = subject_of(step.kind, step.address)
    if step.kind is Kind.FILE:
        return host.read_file(subject)
    return ENABLED if host.is_enabled(subject) else DISABLED


def write_installed(host: Host, step: Step) -> None:
    """Write or remove the file, enable or disable the unit.

    Raises:
        WriteRefusedError: refused, or the value is no file.
    """
    subject = subject_of(step.kind, step.address)
    if step.kind is Kind.SERVICE:
        host.set_enabled(subject, is_on=step.new == ENABLED)
        return
    if step.new is not None:
        try:
            parse_file(step.new)
        except ValueError as error:
            raise WriteRefusedError(subject, str(error)) from error
    host.replace_file(subject, step.new)

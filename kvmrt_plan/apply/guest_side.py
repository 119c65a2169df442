# SPDX-License-Identifier: Apache-2.0
"""Files and settings inside a guest, through its agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import subject_of
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import FactError, WriteRefusedError
from kvmrt_plan.facts.guest import parse_guest
from kvmrt_plan.values.filevalue import parse_file

if TYPE_CHECKING:
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host


def read_guest(host: Host, step: Step) -> str | None:
    """The file as it is, or the setting's value.

    Raises:
        WriteRefusedError: the agent does not answer, or not what was asked.
    """
    try:
        facts = parse_guest(host.domains.guest_facts(step.owner))
    except FactError as error:
        raise WriteRefusedError(step.address, error.problem) from error
    subject = subject_of(step.kind, step.address)
    if step.kind is Kind.GUEST_FILE:
        return facts.files.get(subject)
    what, _, name = subject.partition("/")
    if what == "module":
        return facts.module
    states = facts.units.get(name)
    return states[what == "running"] if states else None


def write_guest(host: Host, step: Step) -> None:
    """Write or remove the file, or bring the setting to its value.

    Raises:
        WriteRefusedError: the agent or the guest refuses, or the value is no file.
    """
    subject = subject_of(step.kind, step.address)
    if step.kind is Kind.GUEST_SETTING:
        host.domains.set_guest(step.owner, subject, step.new or "")
        return
    if step.new is not None:
        try:
            parse_file(step.new)
        except ValueError as error:
            raise WriteRefusedError(subject, str(error)) from error
    host.domains.replace_guest_file(step.owner, subject, step.new)

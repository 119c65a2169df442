# SPDX-License-Identifier: Apache-2.0
"""What irqbalance leaves alone: its settings file, of which kvmrt changes its own lines only, and the
running daemon.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import subject_of
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.irqbalance import NONE, banned_cpus, with_ban
from kvmrt_plan.values.cpuset import EMPTY, CpuListError, CpuSet
from kvmrt_plan.values.filevalue import FileValue, format_file, parse_file

if TYPE_CHECKING:
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host

_NEW_MODE = 0o644


def read_ban(host: Host, step: Step) -> str | None:
    """The CPUs as a cpulist, or `none`; None when the daemon does not answer.

    Raises:
        WriteRefusedError: the file cannot be read.
    """
    subject = subject_of(step.kind, step.address)
    if step.kind is Kind.IRQBALANCE_BAN:
        live = host.balancer_ban()
        return None if live is None else str(live) or NONE
    value = host.read_file(subject)
    return str(banned_cpus(parse_file(value).content if value else "") or EMPTY) or NONE


def write_ban(host: Host, step: Step) -> None:
    """Name the CPUs.

    Raises:
        WriteRefusedError: refused, or the value is no cpulist.
    """
    subject = subject_of(step.kind, step.address)
    try:
        cpus = EMPTY if step.new == NONE else CpuSet.parse(step.new or "")
    except CpuListError as error:
        raise WriteRefusedError(subject, f"cannot be set to {step.new!r}") from error
    if step.kind is Kind.IRQBALANCE_BAN:
        host.set_balancer_ban(cpus)
        return
    present = host.read_file(subject)
    file = parse_file(present) if present else FileValue(mode=_NEW_MODE, uid=0, gid=0, content="")
    content = with_ban(file.content if present else None, cpus)
    host.replace_file(
        subject, None if content is None else format_file(replace(file, content=content))
    )

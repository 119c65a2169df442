# SPDX-License-Identifier: Apache-2.0
"""What an apply performs: a plan that was just made, or one that was saved."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.errors import DesiredStateError, UsageError
from kvmrt_plan.hosts.files import read_document
from kvmrt_plan.plan.document import document_digest, plan_document
from kvmrt_plan.plan.goal import Goal

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.changes.change import Pending
    from kvmrt_plan.plan.action import Action, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an apply performs, and against what it is proven."""

    actions: tuple[Action, ...]
    goal: Goal
    digest: str
    host: str
    holders: tuple[str, ...]
    #: The file it comes from: a saved plan, or a configuration.
    file: str
    #: What is written already and waits; None: not known, as of a saved plan.
    pending: tuple[Pending, ...] | None = None


def planned_work(plan: Plan, goal: Goal, content: bytes) -> Work:
    """The plan that was just made, from the file's content."""
    return Work(
        actions=plan.actions,
        goal=goal,
        digest=document_digest(plan_document(plan, configuration=content)),
        host=plan.host.name,
        holders=plan.holders,
        file=goal.configuration.file,
        pending=plan.pending,
    )


def saved_plan_path(arguments: argparse.Namespace) -> str | None:
    """The one argument that is a file, when no configuration is named.

    Raises:
        UsageError: options that would change the plan, or a plan that is not there.
    """
    if arguments.file is not None or len(arguments.vms) != 1:
        return None
    path = str(arguments.vms[0])
    if not os.path.isfile(path):
        if path.endswith(".json"):
            raise UsageError(f"there is no saved plan {path}", "check the path")
        return None
    for option, value in (("--release", arguments.release), ("--strict", arguments.strict)):
        if value:
            raise UsageError(
                f"{option} does not go together with a saved plan",
                "a saved plan is performed as it is; give the option to `kvmrt plan`, or apply -f FILE",
            )
    return path


def saved_work(path: str) -> Work:
    """The plan in the file.

    Raises:
        KvmrtError: it cannot be read, or is no plan.
        DesiredStateError: the configuration in it cannot be used by this version.
    """
    # pydantic, for checking what may come from anywhere, takes 170 ms to load.
    from kvmrt_plan.plan.saved import MAX_PLAN_BYTES, load_plan

    saved = load_plan(read_document(path, limit_bytes=MAX_PLAN_BYTES), file=path)
    document = saved.document
    file = document.configuration.file
    configuration, findings = load_configuration(saved.configuration, file=file)
    if configuration is None:
        raise DesiredStateError(findings)
    return Work(
        actions=saved.actions,
        goal=Goal(configuration=configuration, findings=findings, narrowed_to=document.narrowed_to),
        digest=document.digest,
        host=document.host.name,
        holders=document.holders,
        file=path,
    )

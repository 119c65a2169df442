# SPDX-License-Identifier: Apache-2.0
"""`kvmrt edit`: the configuration in an editor, and libvirt's definitions after it.

The user edits a copy beside the file. The file is replaced, at once and whole, only by a text that is
valid and that the user wants applied; until then every way out, an interrupt included, leaves the file as
it is, and a copy that was changed stays and is named. The host's policies follow when a VM is booted.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.apply import apply_goal
from kvmrt_plan.cli.configuration import configuration_path
from kvmrt_plan.cli.host import read_host
from kvmrt_plan.cli.terminal import wants_colour, width_of
from kvmrt_plan.desired.load import MAX_CONFIGURATION_BYTES, load_configuration
from kvmrt_plan.errors import HostError, KvmrtError, UsageError
from kvmrt_plan.hosts.editor import edit_file, remove_copy, write_copy
from kvmrt_plan.hosts.files import read_document, write_document
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.views.failures import failure_lines
from kvmrt_plan.views.findings import finding_lines
from kvmrt_plan.views.plan_text import render_plan
from kvmrt_plan.views.terminal import Painter

if TYPE_CHECKING:
    import argparse

APPLY, AGAIN, DISCARD = "a", "e", "d"


def run(arguments: argparse.Namespace) -> int:
    """Edit until the user applies or discards.

    Raises:
        UsageError: there is no terminal.
        HostError: the editor failed, or the file was changed by someone else; the copy is named.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "there is no terminal to edit at",
            "change the file with your own means, then run `kvmrt validate` and `kvmrt sync`",
        )
    path = configuration_path(arguments)
    before = read_document(path, limit_bytes=MAX_CONFIGURATION_BYTES)
    copy = write_copy(path, before)
    try:
        goal = _edit(arguments, path, before, copy)
    except BaseException as error:
        _keep(copy, before)
        if isinstance(error, KeyboardInterrupt):
            sys.stdout.write("\n")
        raise
    if goal is None:
        return 0
    return _apply(arguments, path, before, copy, goal)


def _edit(arguments: argparse.Namespace, path: str, before: bytes, copy: str) -> Goal | None:
    """The goal to apply, None when nothing is to be done (and the copy is gone)."""
    while True:
        edit_file(copy)
        content = read_document(copy, limit_bytes=MAX_CONFIGURATION_BYTES)
        if content == before:
            remove_copy(copy)
            _say(f"{path}: not changed")
            return None
        goal = _review(arguments, path, content)
        answer = _ask(is_valid=goal is not None)
        if answer == DISCARD:
            remove_copy(copy)
            _say(f"{path}: not changed, the edit is discarded")
            return None
        if answer == APPLY:
            return goal


def _review(arguments: argparse.Namespace, path: str, content: bytes) -> Goal | None:
    """Show findings and plan; the goal when the text may become the file."""
    configuration, findings = load_configuration(content, file=path)
    width = width_of(sys.stdout)
    painter = Painter(is_coloured=wants_colour(sys.stdout))
    if configuration is None:
        _say(*finding_lines(findings, width, painter))
        return None
    goal = Goal(
        configuration=configuration,
        findings=findings,
        has_policies=False,
        is_strict=arguments.strict,
    )
    try:
        arguments.root = None
        plan = plan_host(goal, read_host(arguments))
    except KvmrtError as error:
        # The text is the user's work: a host that cannot be read must not cost it.
        _say(*failure_lines(error, width, painter))
        return None
    sys.stdout.write(render_plan(plan, width=width, is_coloured=wants_colour(sys.stdout)))
    return None if plan.is_errored else goal


def _ask(*, is_valid: bool) -> str:
    """One letter; the end of the input is an interrupt, which keeps the copy."""
    choices = {APPLY: "[a]pply", AGAIN: "[e]dit again", DISCARD: "[d]iscard"}
    if not is_valid:
        _say("", "The file is left as it is until these errors are repaired.")
        del choices[APPLY]
    while True:
        sys.stdout.write(f"\n{', '.join(choices.values())}? ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            raise KeyboardInterrupt
        answer = line.strip().lower()[:1]
        if answer in choices:
            return answer


def _apply(arguments: argparse.Namespace, path: str, before: bytes, copy: str, goal: Goal) -> int:
    """Replace the file, then let libvirt follow."""
    content = read_document(copy, limit_bytes=MAX_CONFIGURATION_BYTES)
    if read_document(path, limit_bytes=MAX_CONFIGURATION_BYTES) != before:
        raise HostError(
            f"{path} was changed by someone else while you edited",
            f"your text is in {copy}; compare the two",
        )
    write_document(path, content.decode())
    remove_copy(copy)
    _say(f"{path}: written")
    # The answer at the prompt was the consent.
    arguments.yes = True
    return apply_goal(arguments, goal, content)


def _keep(copy: str, before: bytes) -> None:
    """The copy stays when there is work in it."""
    try:
        content = read_document(copy, limit_bytes=MAX_CONFIGURATION_BYTES)
    except HostError:
        return
    if content == before:
        remove_copy(copy)
    else:
        _say("", f"the file is as it was; your text is in {copy}")


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()

# SPDX-License-Identifier: Apache-2.0
"""`kvmrt revert`: take a run back, and read every value back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kvmrt_plan.apply.history import REVERT, find_run, read_history, revert_run
from kvmrt_plan.apply.recover import recover
from kvmrt_plan.apply.run import Site
from kvmrt_plan.cli.progress import plain_progress
from kvmrt_plan.cli.site import location_of, new_header
from kvmrt_plan.cli.terminal import width_of
from kvmrt_plan.errors import UsageError
from kvmrt_plan.hosts.site import open_site
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.history import step_lines
from kvmrt_plan.views.terminal import fold

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.apply.journal import Record

EXIT_INCOMPLETE = 5


def run(arguments: argparse.Namespace) -> int:
    """Revert the run that is named, or the last that was applied."""
    with open_site(
        location_of(arguments),
        purpose="kvmrt revert",
        lock_timeout_seconds=arguments.lock_timeout,
    ) as opened:
        recovery = recover(opened.host, opened.state, opened.volatile, boot_id=opened.boot_id)
        if recovery is not None:
            plain_progress(is_json=False).recovered(recovery)
        record = find_run(read_history(opened.state), arguments.id)
        _show(record)
        _ask(arguments, record)
        site = Site(
            host=opened.host, state=opened.state, volatile=opened.volatile, boot_id=opened.boot_id
        )
        header = new_header(
            purpose=REVERT,
            plan_digest=record.header.id,
            host=record.header.host,
            boot_id=opened.boot_id,
        )
        differs = revert_run(site, record, header)
    return _report(record, differs)


def _show(record: Record) -> None:
    lines = step_lines(record, width=width_of(sys.stdout))
    sys.stdout.write("\n".join(lines) + "\n")


def _ask(arguments: argparse.Namespace, record: Record) -> None:
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at", "use --yes")
    sys.stdout.write(f"\nTake run {record.header.id} back? Only 'yes' goes on: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != "yes":
        raise UsageError("nothing was changed", "answer yes to revert")


def _report(record: Record, differs: tuple[str, ...]) -> int:
    if not differs:
        sys.stdout.write(f"reverted run {record.header.id}: every value was read back\n")
        return 0
    sys.stdout.write(f"run {record.header.id} is NOT fully reverted\n")
    for text in differs:
        lines = fold(f"left: {escape_text(text)}", width_of(sys.stdout), indent=8, first=2)
        sys.stdout.write("\n".join(lines) + "\n")
    return EXIT_INCOMPLETE

# SPDX-License-Identifier: Apache-2.0
"""`kvmrt revert`: take a run back, and read every value back."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING

from kvmrt_plan.apply.confirm import disarm, run_to_confirm
from kvmrt_plan.apply.history import (
    find_run,
    read_history,
    revert_run,
    unreadable_runs,
)
from kvmrt_plan.apply.journal import REVERT
from kvmrt_plan.apply.recover import recover
from kvmrt_plan.apply.run import Site
from kvmrt_plan.cli.confirm import boot_seconds
from kvmrt_plan.cli.interrupted import taken_back
from kvmrt_plan.cli.progress import plain_progress
from kvmrt_plan.cli.site import location_of, new_header
from kvmrt_plan.cli.terminal import width_of
from kvmrt_plan.errors import UsageError
from kvmrt_plan.hosts.site import open_site
from kvmrt_plan.hosts.state import FolderStore
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.history import step_lines
from kvmrt_plan.views.terminal import fold

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.apply.journal import Record
    from kvmrt_plan.hosts.site import OpenSite

EXIT_INCOMPLETE = 5


def run(arguments: argparse.Namespace) -> int:
    """Revert the run that is named, or the last that was applied."""
    if arguments.if_unconfirmed:
        return _run_at_deadline(arguments)
    location = location_of(arguments)
    if not arguments.yes:
        # Nobody may wait for an answer with the lock in hand: not another run, and not the timer of an
        # apply that is to be confirmed.
        arguments.id = _ask(arguments, FolderStore(location.state_path))
    with open_site(
        location, purpose="kvmrt revert", lock_timeout_seconds=arguments.lock_timeout
    ) as opened:
        recovery = recover(opened.host, opened.state, opened.volatile, boot_id=opened.boot_id)
        if recovery is not None:
            plain_progress(is_json=False).recovered(recovery)
        record = find_run(_history(opened.state), arguments.id)
        if arguments.yes:
            _show(record)
        differs = _take_back(opened, record)
    return _report(record, differs)


def _history(state: FolderStore) -> list[Record]:
    """The runs, after telling which cannot be read."""
    for problem in unreadable_runs(state):
        sys.stderr.write(f"kvmrt: {escape_text(problem)}; it is passed over\n")
    return read_history(state)


def _run_at_deadline(arguments: argparse.Namespace) -> int:
    """What the timer of `kvmrt apply --confirm` runs. While it waits it holds nothing, and looks again
    afterwards: the run gets its whole time when it ends, and may be confirmed any moment.
    """
    if arguments.id is None or not arguments.yes:
        raise UsageError("--if-unconfirmed goes with RUN and --yes", "name the run")
    while True:
        with open_site(
            location_of(arguments),
            purpose=f"kvmrt revert of unconfirmed run {arguments.id}",
            lock_timeout_seconds=math.inf,
        ) as opened:
            recover(opened.host, opened.state, opened.volatile, boot_id=opened.boot_id)
            records = read_history(opened.state)
            waiting = run_to_confirm(opened.volatile, records)
            if waiting is None or waiting.run != arguments.id:
                sys.stdout.write(f"run {arguments.id} does not wait to be confirmed\n")
                return 0
            left = waiting.seconds_left(boot_seconds())
            if left <= 0:
                record = find_run(records, arguments.id)
                return _report(record, _take_back(opened, record))
        time.sleep(left)


def _take_back(opened: OpenSite, record: Record) -> tuple[str, ...]:
    site = Site(
        host=opened.host, state=opened.state, volatile=opened.volatile, boot_id=opened.boot_id
    )
    header = new_header(
        purpose=REVERT,
        plan_digest=record.header.id,
        host=record.header.host,
        boot_id=opened.boot_id,
    )
    with taken_back(site, plain_progress(is_json=False)):
        differs = revert_run(site, record, header)
    disarm(opened.volatile, record.header.id)
    return differs


def _show(record: Record) -> None:
    lines = step_lines(record, width=width_of(sys.stdout))
    sys.stdout.write("\n".join(lines) + "\n")


def _ask(arguments: argparse.Namespace, state: FolderStore) -> str:
    """Show the run and ask; its id."""
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at", "use --yes")
    record = find_run(_history(state), arguments.id)
    _show(record)
    sys.stdout.write(f"\nTake run {record.header.id} back? Only 'yes' goes on: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != "yes":
        raise UsageError("nothing was changed", "answer yes to revert")
    return record.header.id


def _report(record: Record, differs: tuple[str, ...]) -> int:
    if not differs:
        sys.stdout.write(f"reverted run {record.header.id}: every value was read back\n")
        return 0
    sys.stdout.write(f"run {record.header.id} is NOT fully reverted\n")
    for text in differs:
        lines = fold(f"left: {escape_text(text)}", width_of(sys.stdout), indent=8, first=2)
        sys.stdout.write("\n".join(lines) + "\n")
    return EXIT_INCOMPLETE

# SPDX-License-Identifier: Apache-2.0
"""`kvmrt confirm`: keep what `kvmrt apply --confirm` has changed. Also what that option arms."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from kvmrt_plan.apply.confirm import (
    Unconfirmed,
    arm,
    disarm,
    read_unconfirmed,
    run_to_confirm,
)
from kvmrt_plan.apply.history import read_history
from kvmrt_plan.apply.recover import recover
from kvmrt_plan.apply.run import Status
from kvmrt_plan.cli.progress import plain_progress
from kvmrt_plan.cli.site import location_of
from kvmrt_plan.errors import StalePlanError, UsageError
from kvmrt_plan.hosts.site import open_site

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from kvmrt_plan.apply.run import Result, Site


def run(arguments: argparse.Namespace) -> int:
    """Confirm the run that waits."""
    with open_site(
        location_of(arguments),
        purpose="kvmrt confirm",
        lock_timeout_seconds=arguments.lock_timeout,
    ) as opened:
        recovery = recover(opened.host, opened.state, opened.volatile, boot_id=opened.boot_id)
        if recovery is not None:
            plain_progress(is_json=False).recovered(recovery)
        waiting = run_to_confirm(opened.volatile, read_history(opened.state))
        if waiting is None or arguments.id not in (None, waiting.run):
            what = f"run {arguments.id} does not wait" if arguments.id else "no run waits"
            raise UsageError(
                f"{what} to be confirmed",
                "it was confirmed before, or taken back when its time was up: see kvmrt history",
            )
        disarm(opened.volatile, waiting.run)
    sys.stdout.write(f"confirmed run {waiting.run}: it stays\n")
    return 0


def refuse_unconfirmed(site: Site) -> None:
    """Nothing may be built on a run that may be taken back any moment.

    Raises:
        UsageError: a run waits to be confirmed.
    """
    if read_unconfirmed(site.volatile) is None:
        return
    waiting = run_to_confirm(site.volatile, read_history(site.state))
    if waiting is not None:
        raise UsageError(
            f"run {waiting.run} waits to be confirmed",
            f"kvmrt confirm {waiting.run}, or kvmrt revert {waiting.run}",
        )


def perform_unconfirmed(
    arguments: argparse.Namespace, site: Site, run_id: str, perform: Callable[[], Result]
) -> Result:
    """Perform a run that is taken back unless it is confirmed in time.

    The timer is started before the note of it, so that a note never stands without one, and both before
    the first write. A run that is applied gives the user the whole time, from its end; one that came to
    nothing no longer waits. A run that breaks off leaves both: it is taken back when the time is up.
    """
    # Brings subprocess, which an apply without a timer does without.
    from kvmrt_plan.hosts.timer import start_timer

    seconds: float = arguments.confirm
    start_timer(f"kvmrt-revert-{run_id}", seconds, _revert_command(arguments, run_id))
    _arm(site, run_id, seconds)
    try:
        result = perform()
    except StalePlanError:
        disarm(site.volatile, run_id)
        raise
    if result.status is Status.APPLIED:
        _arm(site, run_id, seconds)
    else:
        disarm(site.volatile, run_id)
    return result


def _arm(site: Site, run_id: str, seconds: float) -> None:
    deadline = boot_seconds() + seconds
    arm(
        site.volatile,
        Unconfirmed(run=run_id, seconds=seconds, deadline=deadline, boot_id=site.boot_id),
    )


def boot_seconds() -> float:
    """Seconds since the machine was started, time asleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _revert_command(arguments: argparse.Namespace, run_id: str) -> tuple[str, ...]:
    """What the timer runs: the same host, said so that it holds in any working directory."""
    location = location_of(arguments)
    host, folder = location.out or location.snapshot, location.state_folder
    return (
        sys.executable,
        # The working directory must not become a place to import from.
        "-P",
        "-m",
        "kvmrt_plan",
        "revert",
        run_id,
        "--yes",
        "--if-unconfirmed",
        *(("--state-dir", os.path.abspath(folder)) if folder else ()),
        *(("--host", os.path.abspath(host)) if host else ("--connect", location.uri or "")),
    )

# SPDX-License-Identifier: Apache-2.0
"""`kvmrt recover`: finish, backwards, a run that was killed, and release what a boot left behind."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kvmrt_plan.apply.recover import recover
from kvmrt_plan.apply.unfinished import read_unfinished
from kvmrt_plan.cli.apply import site_of
from kvmrt_plan.cli.guest_run import release_unfinished
from kvmrt_plan.cli.progress import plain_progress
from kvmrt_plan.cli.site import location_of
from kvmrt_plan.hosts.site import open_site

if TYPE_CHECKING:
    import argparse

EXIT_INCOMPLETE = 5


def run(arguments: argparse.Namespace) -> int:
    """Recover, and say what was found."""
    with open_site(
        location_of(arguments),
        purpose="kvmrt recover",
        lock_timeout_seconds=arguments.lock_timeout,
    ) as opened:
        progress = plain_progress(is_json=False)
        had_boot = read_unfinished(opened.volatile) is not None
        recovery = recover(opened.host, opened.state, opened.volatile, boot_id=opened.boot_id)
        if recovery is not None:
            progress.recovered(recovery)
        is_whole = release_unfinished(site_of(opened), progress)
    if recovery is None and not had_boot:
        sys.stdout.write("nothing to recover: no run was interrupted\n")
    return 0 if is_whole and not (recovery and recovery.differs) else EXIT_INCOMPLETE

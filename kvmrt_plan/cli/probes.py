# SPDX-License-Identifier: Apache-2.0
"""Probes around an apply: where they run, and who may have them run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kvmrt_plan.apply.probes import ProbeReport, run_after, run_before

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.cli.progress import Progress
    from kvmrt_plan.cli.work import Work
    from kvmrt_plan.desired.model import Probe


def passing_probes(
    arguments: argparse.Namespace, work: Work, progress: Progress
) -> tuple[Probe, ...]:
    """The configured probes that pass now; a simulated host has none.

    Raises:
        HostError: root would run a command that somebody else may have written.
    """
    probes = work.goal.configuration.host.probes
    if not probes:
        return ()
    if arguments.host is not None:
        labels = tuple(probe.label for probe in probes)
        progress.probes(ProbeReport(labels=labels, was_run=False))
        return ()
    from kvmrt_plan.hosts.probes import LocalProber, require_trusted

    if os.geteuid() == 0 and any(probe.command for probe in probes):
        require_trusted(work.file)
    counted, report = run_before(LocalProber(), probes)
    progress.probes(report)
    return counted


def failed_probes(counted: tuple[Probe, ...]) -> tuple[str, ...]:
    """A text for each probe that passed before and fails now."""
    if not counted:
        return ()
    from kvmrt_plan.hosts.probes import LocalProber

    return run_after(LocalProber(), counted)

# SPDX-License-Identifier: Apache-2.0
"""`docs/host-checks.md`, generated from the table of checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kvmrt_plan.hostchecks.check import Check

_HEAD = """\
# Host checks

`kvmrt validate-host` asks whether a host is fit for real-time VMs, and for each thing that is not, what to
change. It changes nothing. A *failure* means that real-time VMs will not work, a *warning* that something
disturbs them; what cannot be told is skipped. It ends with 1 when a check fails, with `--strict` also when
one warns. With a configuration the checks know which CPUs real-time VMs own; checks that make no sense
without one are skipped then.

This page is generated from `kvmrt_plan/hostchecks/`; a test compares the two.
"""


def render_page(checks: Iterable[Check]) -> str:
    """One section per check."""
    sections = (
        f"## {check.code}\n\n**{check.title}**\n\nWhy: {check.why}\n\nRemedy: {check.remedy}.\n"
        for check in checks
    )
    return "\n".join([_HEAD, *sections])

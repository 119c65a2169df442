# SPDX-License-Identifier: Apache-2.0
"""What a plan is made for: a configuration, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.diagnostics import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The state that a plan leads to."""

    configuration: Configuration
    #: What reading the configuration found; it becomes part of the plan.
    findings: tuple[Finding, ...] = ()
    #: Names of VMs: only they are defined and get policies; others keep those in force. Empty: all.
    narrowed_to: tuple[str, ...] = ()
    #: Names of VMs whose policies end.
    released: tuple[str, ...] = ()
    #: Names of VMs that are to run, and of those that are to be shut off.
    started: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    #: Whether libvirt's definitions follow the configuration; False: only the host's policies do.
    has_definitions: bool = True
    #: Whether the host follows the configuration; False: only libvirt's definitions do.
    has_policies: bool = True
    #: Warnings count as errors.
    is_strict: bool = False

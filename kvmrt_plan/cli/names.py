# SPDX-License-Identifier: Apache-2.0
"""KVM-RT's names of the commands: each is a program of its own, with the same options as the command."""

from __future__ import annotations

import sys

from kvmrt_plan.cli.main import run_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def cpu_topology() -> NoReturn:
    """`cpu-topology` is `kvmrt topology`."""
    sys.exit(run_as("topology", "cpu-topology"))


def irq_affinity() -> NoReturn:
    """`irq-affinity` is `kvmrt irqs`."""
    sys.exit(run_as("irqs", "irq-affinity"))


def task_affinity() -> NoReturn:
    """`task-affinity` is `kvmrt tasks`."""
    sys.exit(run_as("tasks", "task-affinity"))


def kvmrt_boot() -> NoReturn:
    """`kvmrt-boot` is `kvmrt boot`."""
    sys.exit(run_as("boot", "kvmrt-boot"))


def kvmrt_shutdown() -> NoReturn:
    """`kvmrt-shutdown` is `kvmrt shutdown`."""
    sys.exit(run_as("shutdown", "kvmrt-shutdown"))


def kvmrt_stat() -> NoReturn:
    """`kvmrt-stat` is `kvmrt stat`."""
    sys.exit(run_as("stat", "kvmrt-stat"))

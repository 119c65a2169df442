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


def kvmrt_import() -> NoReturn:
    """`kvmrt-import` is `kvmrt import`."""
    sys.exit(run_as("import", "kvmrt-import"))


def kvmrt_edit_config() -> NoReturn:
    """`kvmrt-edit-config` is `kvmrt edit`."""
    sys.exit(run_as("edit", "kvmrt-edit-config"))


def kvmrt_show_config() -> NoReturn:
    """`kvmrt-show-config` is `kvmrt show`."""
    sys.exit(run_as("show", "kvmrt-show-config"))


def kvmrt_sync_config() -> NoReturn:
    """`kvmrt-sync-config` is `kvmrt sync`."""
    sys.exit(run_as("sync", "kvmrt-sync-config"))


def kvmrt_validate_config() -> NoReturn:
    """`kvmrt-validate-config` is `kvmrt validate`."""
    sys.exit(run_as("validate", "kvmrt-validate-config"))


def kvmrt_validate_host() -> NoReturn:
    """`kvmrt-validate-host` is `kvmrt validate-host`."""
    sys.exit(run_as("validate-host", "kvmrt-validate-host"))

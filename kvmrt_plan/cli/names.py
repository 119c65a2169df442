# SPDX-License-Identifier: Apache-2.0
"""KVM-RT's names of the commands: each is a program of its own, with the same options as the command."""

from __future__ import annotations

from kvmrt_plan.cli.entry import run_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def cpu_topology() -> NoReturn:
    """`cpu-topology` is `kvmrt topology`."""
    run_named("topology", "cpu-topology")


def irq_affinity() -> NoReturn:
    """`irq-affinity` is `kvmrt irqs`."""
    run_named("irqs", "irq-affinity")


def task_affinity() -> NoReturn:
    """`task-affinity` is `kvmrt tasks`."""
    run_named("tasks", "task-affinity")


def kvmrt_boot() -> NoReturn:
    """`kvmrt-boot` is `kvmrt boot`."""
    run_named("boot", "kvmrt-boot")


def kvmrt_shutdown() -> NoReturn:
    """`kvmrt-shutdown` is `kvmrt shutdown`."""
    run_named("shutdown", "kvmrt-shutdown")


def kvmrt_stat() -> NoReturn:
    """`kvmrt-stat` is `kvmrt stat`."""
    run_named("stat", "kvmrt-stat")


def kvmrt_import() -> NoReturn:
    """`kvmrt-import` is `kvmrt import`."""
    run_named("import", "kvmrt-import")


def kvmrt_edit_config() -> NoReturn:
    """`kvmrt-edit-config` is `kvmrt edit`."""
    run_named("edit", "kvmrt-edit-config")


def kvmrt_show_config() -> NoReturn:
    """`kvmrt-show-config` is `kvmrt show`."""
    run_named("show", "kvmrt-show-config")


def kvmrt_sync_config() -> NoReturn:
    """`kvmrt-sync-config` is `kvmrt sync`."""
    run_named("sync", "kvmrt-sync-config")


def kvmrt_validate_config() -> NoReturn:
    """`kvmrt-validate-config` is `kvmrt validate`."""
    run_named("validate", "kvmrt-validate-config")


def kvmrt_validate_host() -> NoReturn:
    """`kvmrt-validate-host` is `kvmrt validate-host`."""
    run_named("validate-host", "kvmrt-validate-host")

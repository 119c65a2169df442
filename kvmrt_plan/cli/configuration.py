# SPDX-License-Identifier: Apache-2.0
"""The configuration that a command works on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import DEFAULT_CONFIGURATIONS
from kvmrt_plan.desired.load import MAX_CONFIGURATION_BYTES, load_configuration
from kvmrt_plan.errors import DesiredStateError, UsageError
from kvmrt_plan.hosts.files import read_document

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.diagnostics import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConfiguration:
    """A configuration as it was read: its value, warnings about it, and its bytes."""

    value: Configuration
    findings: tuple[Finding, ...]
    content: bytes


def read_configuration(arguments: argparse.Namespace) -> ReadConfiguration:
    """The file named by -f, or the first default that exists.

    Raises:
        DesiredStateError: the file has errors; all of them are in it.
        KvmrtError: the file cannot be read, or a VM is named that it does not have.
    """
    path = configuration_path(arguments)
    content = read_document(path, limit_bytes=MAX_CONFIGURATION_BYTES)
    configuration, findings = load_configuration(content, file=path)
    if configuration is None:
        raise DesiredStateError(findings)
    named = (*getattr(arguments, "vms", ()), *getattr(arguments, "release", ()))
    _check_names(named, configuration)
    return ReadConfiguration(value=configuration, findings=findings, content=content)


def configuration_path(arguments: argparse.Namespace) -> str:
    """The file named by -f, or the first default that exists.

    Raises:
        UsageError: neither is there.
    """
    if arguments.file is not None:
        return str(arguments.file)
    for path in DEFAULT_CONFIGURATIONS:
        if os.path.lexists(path):
            return path
    raise UsageError(
        f"there is no configuration at {' or '.join(DEFAULT_CONFIGURATIONS)}",
        "name one with -f FILE",
    )


def _check_names(names: Iterable[str], configuration: Configuration) -> None:
    known = [vm.name for vm in configuration.vms]
    missing = [name for name in names if name not in known]
    if missing:
        raise UsageError(
            f"{configuration.file} has no VM named {', '.join(missing)}",
            f"it has: {', '.join(known) or 'none'}",
        )

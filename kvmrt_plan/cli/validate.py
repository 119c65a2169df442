# SPDX-License-Identifier: Apache-2.0
"""`kvmrt validate`: the findings about a configuration, against a host or without one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.configuration import configuration_path
from kvmrt_plan.cli.host import read_host
from kvmrt_plan.cli.terminal import wants_colour, width_of
from kvmrt_plan.desired.load import MAX_CONFIGURATION_BYTES, load_configuration
from kvmrt_plan.diagnostics import has_errors, sort_findings, warnings_as_errors
from kvmrt_plan.errors import UsageError
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hosts.files import read_document
from kvmrt_plan.plan.document import dump_document
from kvmrt_plan.rules.check import check
from kvmrt_plan.views.findings import finding_lines, findings_document, findings_summary
from kvmrt_plan.views.terminal import Painter

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.diagnostics import Finding


def run(arguments: argparse.Namespace) -> int:
    """Print every finding; 1 when one is an error."""
    path = configuration_path(arguments)
    content = read_document(path, limit_bytes=MAX_CONFIGURATION_BYTES)
    found = _find(arguments, content, path)
    if arguments.strict:
        found = warnings_as_errors(found)
    if arguments.json:
        sys.stdout.write(dump_document(findings_document(found, file=path)))
    else:
        painter = Painter(is_coloured=wants_colour(sys.stdout))
        lines = finding_lines(found, width_of(sys.stdout), painter)
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.write(f"{findings_summary(found, file=path)}\n")
    return 1 if has_errors(found) else 0


def _find(arguments: argparse.Namespace, content: bytes, path: str) -> tuple[Finding, ...]:
    configuration, findings = load_configuration(content, file=path)
    if configuration is None:
        return findings
    facts = None
    if arguments.no_host:
        _refuse_hosts(arguments)
    else:
        facts = gather_facts(read_host(arguments))
    return sort_findings([*findings, *check(configuration, facts, None)])


def _refuse_hosts(arguments: argparse.Namespace) -> None:
    for name in ("host", "root", "connect"):
        if getattr(arguments, name) is not None:
            raise UsageError(
                f"--no-host does not go together with --{name}", "leave out one of them"
            )

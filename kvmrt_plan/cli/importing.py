# SPDX-License-Identifier: Apache-2.0
"""Takes libvirt's domains over into a configuration file: `kvmrt import`, and `kvmrt sync -r`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kvmrt_plan.changes.importing import Import, Outcome, import_domains
from kvmrt_plan.cli.host import read_host
from kvmrt_plan.cli.options import DEFAULT_CONFIGURATIONS
from kvmrt_plan.cli.terminal import stderr_painter, wants_colour, width_of
from kvmrt_plan.desired.load import MAX_CONFIGURATION_BYTES, load_configuration
from kvmrt_plan.desired.model import Configuration
from kvmrt_plan.desired.problems import EMPTY_FILE
from kvmrt_plan.errors import DesiredStateError, HostError, UsageError
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hosts.files import read_document, write_document
from kvmrt_plan.plan.document import dump_document
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.findings import finding_lines
from kvmrt_plan.views.importing import import_document, import_lines
from kvmrt_plan.views.terminal import Painter

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts


def run(arguments: argparse.Namespace) -> int:
    """Import, and say what became of each domain; 1 when one could not be taken over."""
    if arguments.from_nova_flavor or arguments.from_kubevirt or arguments.from_seapath:
        # Only a conversion pays for its readers.
        from kvmrt_plan.cli.conversion import convert_into

        return convert_into(arguments)
    return import_into(arguments, updates=arguments.update)


def import_into(arguments: argparse.Namespace, *, updates: bool) -> int:
    """Take the named domains over (all, when none is named) into the file that -f names."""
    path = arguments.file or default_path()
    content = read_document(path, limit_bytes=MAX_CONFIGURATION_BYTES) if exists(path) else None
    configuration = configuration_in(content, path)
    facts = gather_facts(read_host(arguments))
    text = "" if content is None else content.decode()
    done = import_domains(text, configuration, _chosen(arguments, facts), facts, updates=updates)
    if arguments.dry_run:
        show_difference(text, done.text, path)
    elif done.text != text:
        write_changed(path, content, done.text)
    _report(arguments, done, path)
    return 1 if any(one.outcome is Outcome.REFUSED for one in done.domains) else 0


def default_path() -> str:
    """The first default that exists; the first of all, where none does."""
    found = (path for path in DEFAULT_CONFIGURATIONS if os.path.lexists(path))
    return next(found, DEFAULT_CONFIGURATIONS[0])


def exists(path: str) -> bool:
    """Whether something stands at the path."""
    # A link to nothing exists: what it leads to must be made by whoever made the link.
    return os.path.lexists(path)


def configuration_in(content: bytes | None, path: str) -> Configuration:
    """What the file says; nothing, when it is not there or describes no VM yet.

    Raises:
        DesiredStateError: it has errors, which have to be repaired first.
    """
    if content is None:
        return Configuration(file=path)
    configuration, findings = load_configuration(content, file=path)
    if configuration is not None:
        return configuration
    if all(finding.code == EMPTY_FILE for finding in findings):
        return Configuration(file=path)
    raise DesiredStateError(findings)


def _chosen(arguments: argparse.Namespace, facts: HostFacts) -> list[Domain]:
    """The named domains, or all, in the order of their names.

    Raises:
        HostError: libvirt did not answer.
        UsageError: a name is no domain's.
    """
    if facts.libvirt_problem:
        raise HostError(
            f"libvirt's domains are not known: {facts.libvirt_problem}",
            "start libvirtd (or virtqemud), or name another libvirt with --connect",
        )
    known = {domain.name: domain for domain in facts.domains.values()}
    missing = [name for name in arguments.vms if name not in known]
    if missing:
        raise UsageError(
            f"libvirt has no domain named {', '.join(missing)}",
            f"it has: {', '.join(known) or 'none'}",
        )
    wanted = set(arguments.vms) or set(known)
    return [domain for name, domain in known.items() if name in wanted]


def write_changed(path: str, content: bytes | None, text: str) -> None:
    """Replace the file, unless someone else has changed it since it was read."""
    now = read_document(path, limit_bytes=MAX_CONFIGURATION_BYTES) if exists(path) else None
    if now != content:
        raise HostError(f"{path} was changed by someone else meanwhile", "import again")
    write_document(path, text)


def show_difference(before: str, after: str, path: str) -> None:
    """Print how the file would change."""
    # Only a dry run compares texts.
    from difflib import unified_diff

    lines = unified_diff(before.splitlines(), after.splitlines(), path, path, n=2, lineterm="")
    sys.stdout.write("".join(f"{escape_text(line)}\n" for line in lines))


def _report(arguments: argparse.Namespace, done: Import, path: str) -> None:
    if arguments.json:
        sys.stdout.write(dump_document(import_document(done, file=path)))
        return
    lines = import_lines(
        done,
        file=path,
        is_dry=arguments.dry_run,
        width=width_of(sys.stdout),
        painter=Painter(is_coloured=wants_colour(sys.stdout)),
    )
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
    refused = [one.finding for one in done.domains if one.finding is not None]
    findings = finding_lines(refused, width_of(sys.stderr), stderr_painter())
    sys.stderr.write("".join(f"{line}\n" for line in findings))

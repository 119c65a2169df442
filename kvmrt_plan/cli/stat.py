# SPDX-License-Identifier: Apache-2.0
"""`kvmrt stat`: the state of the VMs, with their threads and policies; once or again and again."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from kvmrt_plan.cli.configuration import read_configuration
from kvmrt_plan.cli.host import read_host
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.document import dump_document
from kvmrt_plan.views.stat import render_stat, stat_document

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.desired.model import Configuration

#: Libvirt does not answer: no state of a VM is known.
EXIT_UNKNOWN = 1
#: Cursor home and erase below (ECMA-48): without scrolling, and without the flicker of erasing all first.
_HOME, _ERASE_LINE, _ERASE_BELOW, _ERASE_ALL = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"


def run(arguments: argparse.Namespace) -> int:
    """Print it; with --watch until Ctrl-C, which is the way to end it and no failure."""
    configuration = read_configuration(arguments).value
    if arguments.watch is None:
        text, is_known = _text(arguments, configuration)
        sys.stdout.write(text)
        return 0 if is_known else EXIT_UNKNOWN
    if sys.stdout.isatty():
        sys.stdout.write(_ERASE_ALL)
    try:
        while True:
            _refresh(_text(arguments, configuration)[0])
            time.sleep(max(arguments.watch, 0.1))
    except KeyboardInterrupt:
        return 0


def _text(arguments: argparse.Namespace, configuration: Configuration) -> tuple[str, bool]:
    """What is shown, and whether libvirt told the states in it."""
    facts = gather_facts(read_host(arguments))
    placement = place(configuration, facts)
    is_known = not facts.libvirt_problem
    if arguments.json:
        return dump_document(stat_document(placement, facts, names=arguments.vms)), is_known
    text = render_stat(
        placement,
        facts,
        names=arguments.vms,
        has_threads=arguments.threads,
        has_held=arguments.policies,
    )
    return text, is_known


def _refresh(text: str) -> None:
    """On a terminal in the place of the last one; elsewhere one after the other."""
    if sys.stdout.isatty():
        lines = "".join(f"{line}{_ERASE_LINE}\n" for line in text.splitlines())
        text = f"{_HOME}{lines}{_ERASE_BELOW}"
    sys.stdout.write(text)
    sys.stdout.flush()

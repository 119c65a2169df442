# SPDX-License-Identifier: Apache-2.0
"""`kvmrt map`: the host as a picture."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.configuration import read_configuration
from kvmrt_plan.cli.host import read_host
from kvmrt_plan.cli.options import DEFAULT_CONFIGURATIONS
from kvmrt_plan.cli.outputs import check_outputs
from kvmrt_plan.cli.terminal import stderr_painter, wants_colour, width_of
from kvmrt_plan.diagnostics import has_errors
from kvmrt_plan.errors import UsageError
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.views.findings import finding_lines
from kvmrt_plan.views.map_drawn import DRAWING_FOLDS_ABOVE, Drawn, draw
from kvmrt_plan.views.map_text import TextStyle, render_map

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.views.map_model import HostMap


def run(arguments: argparse.Namespace) -> int:
    """Print the map; findings go to standard error, and an error among them is exit code 1."""
    inputs = [one for one in (arguments.file, arguments.host) if one is not None]
    outputs = [arguments.svg, arguments.html, arguments.png]
    check_outputs(outputs, inputs)
    drawn = read_drawn(arguments)
    if all(output is None for output in outputs):
        sys.stdout.write(render_map(drawn.maps(arguments.fold), _style()))
    else:
        _write_drawings(arguments, drawn.maps(arguments.fold, above=DRAWING_FOLDS_ABOVE))
    return _report(drawn.findings)


def _write_drawings(arguments: argparse.Namespace, maps: tuple[HostMap, ...]) -> None:
    from kvmrt_plan.hosts.files import write_document
    from kvmrt_plan.hosts.png import convert_svg
    from kvmrt_plan.views.map_html import render_html
    from kvmrt_plan.views.map_svg import render_svg

    # Before anything is written: what makes it may not be installed.
    png = convert_svg(render_svg(maps)) if arguments.png is not None else b""
    if arguments.svg is not None:
        write_document(arguments.svg, render_svg(maps))
    if arguments.html is not None:
        write_document(arguments.html, render_html(maps))
    if arguments.png is not None:
        write_document(arguments.png, png)


def read_drawn(arguments: argparse.Namespace) -> Drawn:
    """The host, with its configuration where one is named or this machine has one."""
    if not _has_configuration(arguments):
        if arguments.before_after or arguments.vms:
            raise UsageError(
                "a plan, and VMs by name, need a configuration",
                f"name one with -f FILE, or put it at {' or '.join(DEFAULT_CONFIGURATIONS)}",
            )
        return draw(gather_facts(read_host(arguments)))
    configuration = read_configuration(arguments)
    snapshot = read_host(arguments)
    names = tuple(sorted(set(arguments.vms)))
    goal = Goal(
        configuration=configuration.value, findings=configuration.findings, narrowed_to=names
    )
    plan = plan_host(goal, snapshot)
    facts = gather_facts(snapshot)
    return draw(
        facts,
        place(configuration.value, facts, named=names),
        plan,
        has_after=arguments.before_after,
    )


def _has_configuration(arguments: argparse.Namespace) -> bool:
    """This machine's configuration says nothing of another host."""
    if arguments.file is not None:
        return True
    is_elsewhere = arguments.host is not None or arguments.root is not None
    return not is_elsewhere and any(os.path.lexists(path) for path in DEFAULT_CONFIGURATIONS)


def _style() -> TextStyle:
    return TextStyle(
        width=width_of(sys.stdout),
        is_coloured=wants_colour(sys.stdout),
        has_unicode="utf" in (sys.stdout.encoding or "").lower(),
    )


def _report(findings: tuple[Finding, ...]) -> int:
    sys.stdout.flush()
    lines = finding_lines(findings, width_of(sys.stderr), stderr_painter())
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return 1 if has_errors(findings) else 0

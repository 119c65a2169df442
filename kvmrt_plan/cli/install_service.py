# SPDX-License-Identifier: Apache-2.0
"""`kvmrt install-service`: kvmrt.service, installed or removed as a plan."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.own_plan import apply_own_plan
from kvmrt_plan.errors import UsageError
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.plan.make import planned_host
from kvmrt_plan.plan.service import PATH, UNIT, plan_service, unit_text

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.apply.run import Site
    from kvmrt_plan.plan.action import Plan


def run(arguments: argparse.Namespace) -> int:
    """Plan, ask, apply."""
    wanted = None if arguments.remove else _text(arguments)
    return apply_own_plan(arguments, "kvmrt install-service", lambda site: _plan(site, wanted))


def _text(arguments: argparse.Namespace) -> str:
    file = arguments.file
    program = arguments.program or _this_program()
    for path in (program, file or "/"):
        if not os.path.isabs(path) or not path.isprintable():
            raise UsageError(
                f"{path!r} is no absolute path that a unit can hold", "name it from the root on"
            )
    return unit_text(program=program, configuration=file)


def _this_program() -> str:
    """The kvmrt that runs now, as it can be called again at boot."""
    found = shutil.which(sys.argv[0]) or shutil.which("kvmrt")
    if found is None or os.path.basename(found) != "kvmrt":
        raise UsageError("it is not clear which kvmrt the service should run", "name it: --program")
    return os.path.abspath(found)


def _plan(site: Site, wanted: str | None) -> Plan:
    facts = gather_facts(site.host.capture())
    return plan_service(
        planned_host(facts),
        now=site.host.read_file(PATH),
        is_enabled=site.host.is_enabled(UNIT),
        wanted=wanted,
        holders=tuple(sorted(map(str, facts.holders))),
    )

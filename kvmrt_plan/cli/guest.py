# SPDX-License-Identifier: Apache-2.0
"""`kvmrt guest`: what real time needs inside of guests, as a plan through their agents, or as a script."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.configuration import read_configuration
from kvmrt_plan.errors import FactError, UsageError, WriteRefusedError
from kvmrt_plan.plan.guest import is_concerned, plan_guests
from kvmrt_plan.rules.guest import clocks_are_visible
from kvmrt_plan.rules.subject import subject_without_host

if TYPE_CHECKING:
    import argparse
    from uuid import UUID

    from kvmrt_plan.apply.run import Site
    from kvmrt_plan.cli.configuration import ReadConfiguration
    from kvmrt_plan.desired.model import VirtualMachine
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.facts.guest import GuestFacts
    from kvmrt_plan.plan.action import Plan


def run(arguments: argparse.Namespace) -> int:
    """Plan, ask and apply; or print the script."""
    configuration = read_configuration(arguments)
    vms = _concerned(arguments, configuration)
    if arguments.script:
        return _script(vms)
    from kvmrt_plan.cli.own_plan import apply_own_plan

    return apply_own_plan(arguments, "kvmrt guest", lambda site: _plan(site, configuration, vms))


def _concerned(
    arguments: argparse.Namespace, configuration: ReadConfiguration
) -> list[VirtualMachine]:
    vms = [
        vm
        for vm in configuration.value.vms
        if (vm.name in arguments.vms or not arguments.vms) and is_concerned(vm)
    ]
    if not vms:
        which = f"none of {', '.join(arguments.vms)}" if arguments.vms else "no VM"
        raise UsageError(
            f"{configuration.value.file}: {which} asks for anything inside the guest",
            "that follows from `rt: true` and from `guest_clock: ptp_kvm`",
        )
    return vms


def _script(vms: list[VirtualMachine]) -> int:
    from kvmrt_plan.views.guest_script import guest_script

    wanted = {(vm.rt, vm.guest_clock is not None) for vm in vms}
    if len(wanted) > 1:
        raise UsageError(
            f"{', '.join(vm.name for vm in vms)} ask for different things inside the guest",
            "name the VM that the script is for",
        )
    (parts,) = wanted
    sys.stdout.write(guest_script(has_balloon_block=parts[0], has_clock=parts[1]))
    return 0


def _plan(site: Site, configuration: ReadConfiguration, vms: list[VirtualMachine]) -> Plan:
    from kvmrt_plan.facts.gather import gather_facts
    from kvmrt_plan.plan.make import planned_host

    facts = gather_facts(site.host.capture())
    return plan_guests(
        planned_host(facts),
        configuration.value.file,
        [(vm, _inside(site, vm.uuid)) for vm in vms],
        findings=(*configuration.findings, *_rules(configuration, vms)),
        holders=tuple(sorted(map(str, facts.holders))),
    )


def _rules(configuration: ReadConfiguration, vms: list[VirtualMachine]) -> tuple[Finding, ...]:
    names = {vm.name for vm in vms}
    found = clocks_are_visible(subject_without_host(configuration.value))
    return tuple(one for one in found if one.vm in names)


def _inside(site: Site, uuid: UUID) -> GuestFacts | str:
    from kvmrt_plan.facts.guest import parse_guest

    try:
        return parse_guest(site.host.domains.guest_facts(str(uuid)))
    except WriteRefusedError as error:
        return error.cause
    except FactError as error:
        return error.problem

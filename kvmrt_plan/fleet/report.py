# SPDX-License-Identifier: Apache-2.0
"""All checks together: what only shows between hosts, and allowances that no host needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity, sort_findings
from kvmrt_plan.fleet.allowances import idle_finding
from kvmrt_plan.fleet.checked import Report

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from kvmrt_plan.fleet.checked import Checked, Described


def make_report(checked: Iterable[Checked], *, is_strict: bool) -> Report:
    """The report, with findings between hosts added where they stand."""
    found = sorted(checked, key=lambda one: (one.file, one.snapshot or ""))
    owners = _owners(found)
    done: list[Checked] = []
    for number, one in enumerate(found):
        more = [*_shared(one, owners, is_strict=is_strict)]
        if number + 1 == len(found) or found[number + 1].file != one.file:
            more += _idle(found, one.file)
        done.append(replace(one, findings=sort_findings([*one.findings, *more])))
    return Report(checked=tuple(done))


def _idle(found: list[Checked], file: str) -> list[Finding]:
    """KR302 for allowances that met nothing on any host of the file."""
    of_file = [one for one in found if one.file == file]
    return [
        idle_finding(allowance)
        for allowance in of_file[0].idle
        if all(allowance in other.idle for other in of_file)
    ]


def _owners(found: list[Checked]) -> dict[UUID, list[tuple[str, Described]]]:
    """Hosts and VMs by UUID; a host is its name, so that a VM may stand in two files of one host."""
    owners: dict[UUID, list[tuple[str, Described]]] = {}
    for one in found:
        if one.host:
            for vm in one.vms:
                owners.setdefault(vm.uuid, []).append((one.host, vm))
    return owners


def _shared(
    one: Checked, owners: dict[UUID, list[tuple[str, Described]]], *, is_strict: bool
) -> Iterable[Finding]:
    for vm in one.vms if one.host else ():
        others = sorted({host for host, _ in owners[vm.uuid]} - {one.host})
        if others:
            yield Finding(
                code="KR309",
                severity=Severity.ERROR if is_strict else Severity.WARNING,
                summary=f"{vm.name}: its UUID belongs to a VM of {', '.join(others)} as well",
                detail=f"{vm.uuid} was copied, or the VM has moved",
                remedy="give the copy a UUID of its own, or remove the VM where it is no more",
                source=vm.source,
                vm=vm.name,
            )

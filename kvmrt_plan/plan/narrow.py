# SPDX-License-Identifier: Apache-2.0
"""A plan for a part: for some VMs only, or for libvirt's definitions only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmrt_plan.changes.change import Considered
    from kvmrt_plan.desired.model import Configuration


def narrow_changes(
    considered: Sequence[Considered],
    configuration: Configuration,
    names: tuple[str, ...],
    *,
    has_definitions: bool = True,
) -> list[Considered]:
    """Without the changes to definitions of other VMs; policies of the host stay, since placement has
    already been made for these VMs alone. No names: everything.
    Without definitions only the policies of the host are left.
    """
    if not has_definitions:
        considered = [one for one in considered if not one.owner]
    if not names:
        return list(considered)
    owners = {str(vm.uuid) for vm in configuration.vms if vm.name in names}
    return [one for one in considered if not one.owner or one.owner in owners]


#: What libvirt keeps of a domain, as opposed to the threads of a running guest.
_DEFINITIONS = frozenset({Kind.DOMAIN_RENAME, Kind.DOMAIN_XML, Kind.DOMAIN_AUTOSTART})


def only_definitions(considered: Sequence[Considered]) -> list[Considered]:
    """Without the policies of the host, and without what touches a running guest."""
    return [one for one in considered if one.kind in _DEFINITIONS]

# SPDX-License-Identifier: Apache-2.0
"""Who may have written a value that is not as planned: services that run on the host, and people.

A guess for people, made only when something is wrong; nothing is decided by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Kind
from kvmrt_plan.facts.services import parse_services

if TYPE_CHECKING:
    from collections.abc import Collection

    from kvmrt_plan.ports import Host

_INTERRUPTS = frozenset({Kind.IRQ_AFFINITY, Kind.IRQ_DEFAULT_AFFINITY, Kind.NET_QUEUE})
_LIBVIRT = frozenset(
    {
        Kind.DOMAIN_XML,
        Kind.DOMAIN_RENAME,
        Kind.DOMAIN_AUTOSTART,
        Kind.DOMAIN_LIVE_PIN,
        Kind.GUEST_THREAD,
        Kind.DOMAIN_STATE,
    }
)


def likely_writers(host: Host, kinds: Collection[Kind]) -> tuple[str, ...]:
    """Programs that write values of these kinds and run here, or could have been used."""
    services = parse_services(host.capture())
    found = []
    if _INTERRUPTS & set(kinds):
        if services.irqbalance.is_running:
            found.append("irqbalance is running and moves interrupts every ten seconds")
        else:
            found.append("a driver that was set up again (ifup, ethtool) resets its interrupts")
    if services.tuned_profile is not None and not set(kinds) <= _LIBVIRT:
        found.append(f"TuneD is active with profile {services.tuned_profile or 'none'}")
    if _LIBVIRT & set(kinds):
        found.append("virsh, virt-manager or another client of libvirt")
    if not found:
        found.append("somebody with root's rights, or another tool")
    return tuple(found)

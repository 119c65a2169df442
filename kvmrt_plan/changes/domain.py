# SPDX-License-Identifier: Apache-2.0
"""libvirt's definitions follow the configuration, element by element.

What a VM's XML should say is a table from setting keys (see `domainxml/setting.py`) to canonical values;
keys that are not in the table are unmanaged and stay as they are. The persistent definition is compared
with the table; a running guest is compared as well, so that what is written but not yet in effect shows
as pending. The pins of a running guest can move at once and are changes of their own: for them the
truth is the affinity of the threads, because libvirt goes on reporting a pin that the kernel has undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Activation,
    Change,
    Considered,
    Kind,
    NoChange,
    Pending,
    Reason,
    ReasonCode,
)
from kvmrt_plan.changes.domain_target import domain_target, implied, is_pin
from kvmrt_plan.changes.guest_thread_moves import guest_thread_moves
from kvmrt_plan.changes.live_pins import has_thread, live_pins
from kvmrt_plan.domainxml.document import parse_domain, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kvmrt_plan.changes.domain_target import Target
    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import VmPlacement


def domain_changes(
    placed: VmPlacement, facts: HostFacts, *, has_own_slice: bool = False
) -> Iterator[Considered]:
    """All that differs between one VM's configuration and its domain; nothing when libvirt does not
    know the VM or its definition is not persistent (findings say so).

    Raises:
        DomainXmlError: libvirt's XML cannot be read.
    """
    domain = facts.domains.get(placed.vm.uuid)
    if domain is None or not domain.is_persistent:
        return
    written = read_settings(parse_domain(domain.xml, domain=domain.name))
    running = _running_settings(domain)
    wanted = domain_target(placed, written, has_own_slice=has_own_slice)
    if not domain.is_running:
        yield from _rename(placed, domain)
    yield from _autostart(placed, domain)
    for key, target in wanted.items():
        yield from _setting(placed, key, target, written=written, running=running)
    if running is not None:
        pins = list(live_pins(placed, domain, running, wanted))
        yield from pins
        yield from guest_thread_moves(placed, domain, facts.cpus.online, pins)


def _running_settings(domain: Domain) -> Mapping[str, str] | None:
    if not domain.is_running:
        return None
    return read_settings(parse_domain(domain.live_xml, domain=domain.name))


def _setting(
    placed: VmPlacement,
    key: str,
    target: Target,
    *,
    written: Mapping[str, str],
    running: Mapping[str, str] | None,
) -> Iterator[Considered]:
    """The change of one key, or that it is right, and whether the guest still runs with another value."""
    value, reason = target
    address, owner = f"vm/{placed.vm.name}/{key}", str(placed.vm.uuid)
    now = written.get(key)
    is_right = value in (now, implied(key, placed.vm) if now is None else now)
    live = running.get(key) if running is not None else None
    is_live = value in (live, implied(key, placed.vm) if live is None else live)
    restart = running is not None and not is_live and not _moves_live(key, value, running)
    if not is_right:
        yield Change(
            kind=Kind.DOMAIN_XML,
            address=address,
            before=now,
            after=value,
            activation=Activation.GUEST_RESTART if restart else Activation.NOW,
            reason=reason,
            running=live if running is not None and live != now else None,
            requires=(f"vm/{placed.vm.name}/name",),
            owner=owner,
        )
        return
    yield NoChange(kind=Kind.DOMAIN_XML, address=address, value=now, reason=reason, owner=owner)
    if restart:
        yield Pending(
            kind=Kind.DOMAIN_XML,
            address=address,
            running=live,
            written=now,
            activation=Activation.GUEST_RESTART,
            owner=owner,
        )


def _moves_live(key: str, value: str | None, running: Mapping[str, str]) -> bool:
    """Whether libvirt changes the setting of a running guest: the pin of a thread that exists can move,
    but not be taken away.
    """
    return is_pin(key) and value is not None and has_thread(key, running)


def _rename(placed: VmPlacement, domain: Domain) -> Iterator[Considered]:
    """VirDomainRename works on a guest that is shut off; for a running one a finding says to wait."""
    name = placed.vm.name
    reason = Reason(
        code=ReasonCode.ATTRIBUTE, text=f"its name is {name}", source=placed.vm.source_of("name")
    )
    address, owner = f"vm/{name}/name", str(placed.vm.uuid)
    if domain.name == name:
        yield NoChange(
            kind=Kind.DOMAIN_RENAME, address=address, value=name, reason=reason, owner=owner
        )
    else:
        yield Change(
            kind=Kind.DOMAIN_RENAME,
            address=address,
            before=domain.name,
            after=name,
            reason=reason,
            owner=owner,
        )


def _autostart(placed: VmPlacement, domain: Domain) -> Iterator[Considered]:
    """Libvirt's autostart goes off where it would act against kvmrt's.

    An RT guest that libvirt starts at boot runs before its CPUs are shielded; a guest that is not to be
    started must not be started by libvirt either. For others libvirt may go on starting them.
    """
    vm, address = placed.vm, f"vm/{placed.vm.name}/autostart"
    unwanted = vm.rt or not vm.autostart
    text = "kvmrt starts it, after its CPUs are shielded" if vm.rt else "its autostart is off"
    reason = Reason(
        code=ReasonCode.REAL_TIME if vm.rt else ReasonCode.ATTRIBUTE,
        text=text,
        source=vm.source_of("rt" if vm.rt else "autostart"),
    )
    if domain.has_autostart and unwanted:
        yield Change(
            kind=Kind.DOMAIN_AUTOSTART,
            address=address,
            before="on",
            after="off",
            reason=reason,
            owner=str(vm.uuid),
        )
    elif unwanted:
        yield NoChange(
            kind=Kind.DOMAIN_AUTOSTART,
            address=address,
            value="off",
            reason=reason,
            owner=str(vm.uuid),
        )

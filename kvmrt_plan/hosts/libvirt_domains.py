# SPDX-License-Identifier: Apache-2.0
"""Domains as libvirt tells them, over a read-only connection.

A read-only connection needs no rights to plan (libvirt's socket-ro) and cannot change anything. It may
not ask for VIR_DOMAIN_XML_SECURE, so passwords never enter a snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.facts.snapshot import RawDomain, RawLibvirt

if TYPE_CHECKING:
    from types import ModuleType

DEFAULT_URI = "qemu:///system"

#: virDomainState, in the words of `virsh domstate`.
_STATES = (
    "no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended",
)  # fmt: skip


def read_libvirt(uri: str) -> RawLibvirt:
    """All domains at the URI. A libvirt that does not answer is a state, not a failure: it is told in
    `problem`, since everything but the domains can be planned without it.
    """
    libvirt = load_libvirt()
    if libvirt is None:
        return RawLibvirt(uri=uri, problem="the Python module libvirt is not installed")
    try:
        connection = libvirt.openReadOnly(uri)
    except libvirt.libvirtError as error:
        return RawLibvirt(uri=uri, problem=_text(error))
    try:
        domains = [_domain(libvirt, one) for one in connection.listAllDomains()]
        version = connection.getLibVersion()
    except libvirt.libvirtError as error:
        return RawLibvirt(uri=uri, problem=_text(error))
    finally:
        connection.close()
    known = sorted((one for one in domains if one), key=lambda one: (one.name, one.uuid))
    return RawLibvirt(uri=uri, version=version, domains=tuple(known))


def load_libvirt() -> ModuleType | None:
    """Libvirt's binding, None when it is not installed. Its own printing of errors is switched off:
    every error is reported once, by us.
    """
    try:
        import libvirt
    except ImportError:
        return None
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    module: ModuleType = libvirt
    return module


def state_word(state: int) -> str:
    """A virDomainState in words."""
    return _STATES[state] if state < len(_STATES) else "no state"


def _domain(libvirt: ModuleType, domain: Any) -> RawDomain | None:
    """One domain; None when it was undefined or ended while it was read."""
    try:
        state = domain.state()[0]
        persistent = bool(domain.isPersistent())
        inactive = libvirt.VIR_DOMAIN_XML_INACTIVE
        return RawDomain(
            uuid=domain.UUIDString(),
            name=domain.name(),
            state=state_word(state),
            persistent=persistent,
            autostart=bool(domain.autostart()) if persistent else False,
            xml=domain.XMLDesc(inactive) if persistent else "",
            live_xml=domain.XMLDesc(0) if domain.isActive() else "",
        )
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def _text(error: Any) -> str:
    return str(error.get_error_message() or error)

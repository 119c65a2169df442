# SPDX-License-Identifier: Apache-2.0
"""Changes to libvirt's domains, over a connection that may write. Opened on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.domains import threads_of
from kvmrt_plan.hosts.capture import capture_guest_processes
from kvmrt_plan.hosts.guest_agent import GuestAgent
from kvmrt_plan.hosts.libvirt_domains import load_libvirt, state_word

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.facts.domain import Thread
    from kvmrt_plan.values.cpuset import CpuSet

#: How long an agent may take to answer; a program in the guest may run longer.
_AGENT_SECONDS = 30


class LibvirtDomains:
    """A `Domains` port over libvirt-python (https://libvirt.org/html/libvirt-libvirt-domain.html)."""

    def __init__(self, uri: str, *, root: str = "") -> None:
        self._uri = uri
        self._root = root
        self._connection: Any = None
        self._libvirt: Any = None

    def definition(self, uuid: str) -> str:
        """The inactive XML, passwords included."""
        flags = self._flag("VIR_DOMAIN_XML_INACTIVE") | self._flag("VIR_DOMAIN_XML_SECURE")
        text: str = self._ask(uuid, lambda domain: domain.XMLDesc(flags))
        return text

    def define(self, xml: str) -> None:
        """Validated against libvirt's schema: without it, elements it does not know are dropped."""
        flags = self._flag("VIR_DOMAIN_DEFINE_VALIDATE")
        self._guard("define", lambda: self._connected().defineXMLFlags(xml, flags))

    def name(self, uuid: str) -> str:
        """The domain's name."""
        return str(self._ask(uuid, lambda domain: domain.name()))

    def rename(self, uuid: str, name: str) -> None:
        """For a domain that is shut off."""
        self._ask(uuid, lambda domain: domain.rename(name, 0))

    def has_autostart(self, uuid: str) -> bool:
        """Whether libvirt starts it at boot."""
        return bool(self._ask(uuid, lambda domain: domain.autostart()))

    def set_autostart(self, uuid: str, *, is_on: bool) -> None:
        """Let libvirt start it at boot, or not."""
        self._ask(uuid, lambda domain: domain.setAutostart(int(is_on)))

    def live_definition(self, uuid: str) -> str:
        """The XML of the running guest, "" when it does not run."""
        return str(self._ask(uuid, lambda domain: domain.XMLDesc(0) if domain.isActive() else ""))

    def pin(self, uuid: str, key: str, cpus: CpuSet) -> None:
        """Move threads of the running guest; its definition stays as it is."""
        live = self._flag("VIR_DOMAIN_AFFECT_LIVE")
        kind, _, number = key.partition(" ")

        def move(domain: Any) -> None:
            width = self._connected().getCPUMap(0)[0]
            bits = tuple(cpu in cpus for cpu in range(max(width, max(cpus, default=0) + 1)))
            if kind == "vcpupin":
                domain.pinVcpuFlags(int(number), bits, live)
            elif kind == "iothreadpin":
                domain.pinIOThread(int(number), bits, live)
            else:
                domain.pinEmulator(bits, live)

        self._ask(uuid, move)

    def state(self, uuid: str) -> str:
        """In the words of `virsh domstate`."""
        return state_word(self._ask(uuid, lambda domain: domain.state()[0]))

    def start(self, uuid: str) -> None:
        """Returns when the guest runs."""
        self._ask(uuid, lambda domain: domain.create())

    def shutdown(self, uuid: str) -> None:
        """By ACPI alone: a guest agent may be absent, and libvirt would wait for it."""
        flags = self._flag("VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN")
        self._ask(uuid, lambda domain: domain.shutdownFlags(flags))

    def destroy(self, uuid: str) -> None:
        """At once."""
        self._ask(uuid, lambda domain: domain.destroy())

    def guest_facts(self, uuid: str) -> str:
        """By programs that the guest's agent runs."""
        return self._agent(uuid).facts()

    def replace_guest_file(self, uuid: str, path: str, value: str | None) -> None:
        """Through the guest's agent."""
        self._agent(uuid).replace_file(path, value)

    def set_guest(self, uuid: str, setting: str, value: str) -> None:
        """Through the guest's agent."""
        self._agent(uuid).set(setting, value)

    def _agent(self, uuid: str) -> GuestAgent:
        def ask(command: str) -> str:
            # Part of libvirt-python; only for guests whose agent is spoken to.
            import libvirt_qemu

            send = libvirt_qemu.qemuAgentCommand
            return str(self._ask(uuid, lambda domain: send(domain, command, _AGENT_SECONDS, 0)))

        return GuestAgent(uuid, ask)

    def threads(self, uuid: str) -> tuple[Thread, ...]:
        """What /proc tells of the guest's QEMU process."""
        return threads_of(capture_guest_processes(self._root or "/"), uuid)

    def _connected(self) -> Any:
        # A libvirtd that was restarted has dropped the connection (virConnectIsAlive).
        if self._connection is None or not self._connection.isAlive():
            self._connection = self._guard(self._uri, lambda: self._module().open(self._uri))
        return self._connection

    def _module(self) -> Any:
        if self._libvirt is None:
            self._libvirt = load_libvirt()
        if self._libvirt is None:
            raise WriteRefusedError(self._uri, "the Python module libvirt is not installed")
        return self._libvirt

    def _flag(self, name: str) -> int:
        return int(getattr(self._module(), name))

    def _ask(self, uuid: str, question: Callable[[Any], Any]) -> Any:
        """Ask about a domain that is looked up each time: after a rename an old handle keeps the old
        name.
        """
        return self._guard(uuid, lambda: question(self._connected().lookupByUUIDString(uuid)))

    def _guard(self, target: str, call: Callable[[], Any]) -> Any:
        libvirt = self._module()
        try:
            return call()
        except libvirt.libvirtError as error:
            raise WriteRefusedError(target, str(error.get_error_message() or error)) from error

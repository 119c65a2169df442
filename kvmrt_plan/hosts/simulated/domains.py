# SPDX-License-Identifier: Apache-2.0
"""libvirt's side of a simulated host.

As libvirt 9.0 does: what is defined comes back in normal form; a running domain cannot be renamed, and
no domain can take another's name; a running guest keeps the XML it was started with; a pin to CPUs of
which none is online, or in the slice that the guest lives in, fails with the kernel's EINVAL.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.changes.live_pins import pin_of_thread
from kvmrt_plan.domainxml.document import (
    format_domain,
    parse_domain,
    read_settings,
    write_setting,
)
from kvmrt_plan.errors import DomainXmlError, WriteRefusedError
from kvmrt_plan.facts.domains import threads_of
from kvmrt_plan.facts.slices import GUESTS
from kvmrt_plan.facts.threads import qemu_folders
from kvmrt_plan.hosts.simulated.affinity import with_affinity
from kvmrt_plan.hosts.simulated.cpusets import allowed_in
from kvmrt_plan.hosts.simulated.evicted import slice_of
from kvmrt_plan.hosts.simulated.guest_side import with_file, with_setting
from kvmrt_plan.hosts.simulated.hotplug import Hotplug
from kvmrt_plan.hosts.simulated.normal_form import bring_to_normal_form
from kvmrt_plan.hosts.simulated.processes import end_process, has_acpi, start_process

if TYPE_CHECKING:
    from kvmrt_plan.facts.domain import Thread
    from kvmrt_plan.facts.snapshot import RawDomain
    from kvmrt_plan.hosts.simulated.texts import Texts
    from kvmrt_plan.values.cpuset import CpuSet


class SimulatedDomains:
    """A `Domains` port over the domains of a snapshot."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._hotplug = Hotplug(texts)
        self._lock = threading.Lock()

    def definition(self, uuid: str) -> str:
        """The inactive XML."""
        return self._domain(uuid).xml

    def live_definition(self, uuid: str) -> str:
        """The running guest's XML."""
        return self._domain(uuid).live_xml

    def name(self, uuid: str) -> str:
        """The name."""
        return self._domain(uuid).name

    def has_autostart(self, uuid: str) -> bool:
        """Autostart."""
        return self._domain(uuid).autostart

    def define(self, xml: str) -> None:
        """Replace the inactive definition of a domain that exists."""
        try:
            root = parse_domain(xml, domain="?")
        except DomainXmlError as error:
            raise WriteRefusedError("define", error.problem) from error
        settings, uuid = read_settings(root), (root.findtext("uuid") or "").strip()
        domain = self._domain(uuid)
        if settings.get("name") != domain.name:
            raise WriteRefusedError(
                "define", f"domain {domain.name!r} is already defined with uuid {uuid}"
            )
        bring_to_normal_form(root)
        self._texts.change(domains=(replace(domain, xml=format_domain(root)),))

    def rename(self, uuid: str, name: str) -> None:
        """Rename a domain that is shut off."""
        domain = self._domain(uuid)
        if domain.live_xml:
            raise WriteRefusedError(uuid, "cannot rename active domain")
        if any(one.name == name for one in self._texts.domains.values()):
            raise WriteRefusedError(uuid, f"domain with name {name!r} already exists")
        root = parse_domain(domain.xml, domain=domain.name)
        write_setting(root, "name", name)
        self._texts.change(domains=(replace(domain, name=name, xml=format_domain(root)),))

    def set_autostart(self, uuid: str, *, is_on: bool) -> None:
        """Switch autostart."""
        self._texts.change(domains=(replace(self._domain(uuid), autostart=is_on),))

    def state(self, uuid: str) -> str:
        """In libvirt's words."""
        return self._domain(uuid).state

    def start(self, uuid: str) -> None:
        """Make the guest's process."""
        # A real libvirt starts several guests at once; the texts are changed by one at a time.
        with self._lock:
            domain = self._domain(uuid)
            unit = slice_of(domain, is_live=False)
            files, online = self._texts.files, self._hotplug.online
            start_process(
                self._texts,
                domain,
                allowed_in(files, unit or GUESTS, online),
                in_root=allowed_in(files, None, online),
            )

    def shutdown(self, uuid: str) -> None:
        """A guest without ACPI does not notice its power button."""
        domain = self._running(uuid)
        if has_acpi(domain) and domain.state == "running":
            end_process(self._texts, domain)

    def destroy(self, uuid: str) -> None:
        """Remove the guest's process."""
        end_process(self._texts, self._running(uuid))

    def guest_facts(self, uuid: str) -> str:
        """What its agent tells; a guest of which nothing is known has no agent."""
        text = self._running(uuid).guest
        if not text:
            raise WriteRefusedError(
                uuid, "Guest agent is not responding: QEMU guest agent is not connected"
            )
        return text

    def replace_guest_file(self, uuid: str, path: str, value: str | None) -> None:
        """As the agent does it."""
        text = with_file(self.guest_facts(uuid), path, value)
        self._texts.change(domains=(replace(self._domain(uuid), guest=text),))

    def set_guest(self, uuid: str, setting: str, value: str) -> None:
        """As the agent does it."""
        text = with_setting(self.guest_facts(uuid), setting, value)
        self._texts.change(domains=(replace(self._domain(uuid), guest=text),))

    def threads(self, uuid: str) -> tuple[Thread, ...]:
        """The guest's threads."""
        return threads_of(self._texts.snapshot(), uuid)

    def pin(self, uuid: str, key: str, cpus: CpuSet) -> None:
        """Move the threads that the pin governs, and note the pin in the running guest's XML."""
        domain = self._running(uuid)
        allowed = allowed_in(self._texts.files, slice_of(domain), self._hotplug.online)
        if not cpus & allowed:
            raise WriteRefusedError(uuid, "cannot set CPU affinity on process: Invalid argument")
        root = parse_domain(domain.live_xml, domain=domain.name)
        write_setting(root, key, str(cpus))
        bring_to_normal_form(root)
        self._texts.change(
            files=self._moved_threads(uuid, key, cpus),
            domains=(replace(domain, live_xml=format_domain(root)),),
        )

    def _moved_threads(self, uuid: str, key: str, cpus: CpuSet) -> dict[str, str | None]:
        folder = qemu_folders(self._texts.snapshot()).get(uuid)
        moved: dict[str, str | None] = {}
        for thread in self.threads(uuid):
            # Threads that no pin names (workers, VNC) live in the emulator's cgroup.
            if (pin_of_thread(thread.name) or "emulatorpin") == key and not thread.is_outside:
                own = f"{folder}/task/{thread.tid}"
                path = f"{f'/proc/{thread.tid}' if thread.is_kernel else own}/status"
                moved[path] = with_affinity(self._texts.files[path], cpus)
        return moved

    def _running(self, uuid: str) -> RawDomain:
        domain = self._domain(uuid)
        if not domain.live_xml:
            raise WriteRefusedError(uuid, "Requested operation is not valid: domain is not running")
        return domain

    def _domain(self, uuid: str) -> RawDomain:
        try:
            return self._texts.domains[uuid]
        except KeyError:
            raise WriteRefusedError(
                uuid, f"Domain not found: no domain with matching uuid '{uuid}'"
            ) from None

# SPDX-License-Identifier: Apache-2.0
"""Simulated hosts with guests that are off, in a file, and what a command makes of them."""

from __future__ import annotations

from argparse import Namespace
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from make_two_socket import two_socket

from kvmrt_plan.cli.apply import site_of
from kvmrt_plan.cli.boot import boot_guests
from kvmrt_plan.cli.guest_run import GuestRun
from kvmrt_plan.cli.progress import plain_progress
from kvmrt_plan.cli.shutdown import stop_and_release
from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.facts.document import dump_snapshot, load_snapshot
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.hosts.site import Location, open_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.hosts.site import OpenSite

MOTION, IO, GATEWAY, HMI, BUILD = (f"6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c0{n}" for n in range(1, 6))

CONFIGURATION = f"""\
vms:
  rt-motion: {{uuid: {MOTION}, nr_vcpus: 4, cpuset: 8-12, rt: true}}
  rt-io: {{uuid: {IO}, nr_vcpus: 2, cpuset: 5-7, rt: true}}
  gateway: {{uuid: {GATEWAY}, nr_vcpus: 2, cpuset: 1-3, autostart: false}}
"""


def quiet_host(edit: Callable[[str], str] = str) -> Snapshot:
    """The example host with every guest off; `edit` changes the XML of each domain."""
    host = SimulatedHost(two_socket())
    for uuid, domain in list(host.texts.domains.items()):
        if domain.live_xml:
            host.domains.destroy(uuid)
    found = host.capture()
    domains = tuple(replace(one, xml=edit(one.xml)) for one in found.libvirt.domains)
    return replace(found, libvirt=replace(found.libvirt, domains=domains))


class Host:
    """A host in a file, with a configuration beside it."""

    def __init__(self, folder: Path, snapshot: Snapshot, configuration: str = CONFIGURATION):
        self.path = folder / "host.json"
        self.file = folder / "kvmrt.yaml"
        self.path.write_text(dump_snapshot(snapshot), encoding="ascii")
        self.file.write_text(configuration, encoding="utf-8")

    @property
    def arguments(self) -> tuple[str, ...]:
        """-f and --host."""
        return "-f", str(self.file), "--host", str(self.path)

    @property
    def location(self) -> Location:
        """Where it and its state are."""
        return Location(snapshot=str(self.path))

    def snapshot(self) -> Snapshot:
        """As it is now."""
        return load_snapshot(self.path.read_bytes(), file="host.json")

    def texts(self) -> dict[str, str]:
        """All of its files but those of processes."""
        files = self.snapshot().files
        return {path: text for path, text in files.items() if not path.startswith("/proc/5")}

    def states(self) -> dict[str, str]:
        """Of the domains, by name."""
        return {one.name: one.state for one in self.snapshot().libvirt.domains}

    def running(self) -> set[str]:
        """Names of the guests that run."""
        return {name for name, state in self.states().items() if state == "running"}

    def state_files(self) -> set[str]:
        """What kvmrt keeps of it."""
        folder = self.path.with_name("host.json.state")
        files = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)) for path in files} - {"run/lock"}

    def facts(self) -> HostFacts:
        """With what is held."""
        with open_site(self.location, purpose="test") as opened:
            return gather_facts(opened.host.capture())

    def boot(self, boundary: Callable[[str], None], *names: str) -> int:
        """`kvmrt boot`, with a hook at every write."""
        arguments = Namespace(dry_run=False, ask=False, allow=None, parallel=1)
        with self._opened(boundary) as opened:
            return boot_guests(arguments, self._run(opened), list(names))

    def shutdown(self, boundary: Callable[[str], None], *names: str) -> int:
        """`kvmrt shutdown`, with a hook at every write."""
        arguments = Namespace(dry_run=False, timeout=0.0, force=False)
        with self._opened(boundary) as opened:
            return stop_and_release(arguments, self._run(opened), list(names))

    @contextmanager
    def _opened(self, boundary: Callable[[str], None]) -> Iterator[OpenSite]:
        """The host; the hook is called while a command works on it, not while it is opened: then
        Ctrl-C finds nothing begun, and main() tells it.
        """
        working = [False]

        def hook(what: str) -> None:
            if working[0]:
                boundary(what)

        with open_site(self.location, purpose="test", boundary=hook) as opened:
            working[0] = True
            yield opened
            working[0] = False

    def _run(self, opened: OpenSite) -> GuestRun:
        content = self.file.read_bytes()
        configuration, findings = load_configuration(content, file=str(self.file))
        return GuestRun(
            site=site_of(opened),
            configuration=configuration,
            findings=findings,
            content=content,
            progress=plain_progress(is_json=False),
        )


class At:
    """A boundary that raises at the nth write, once."""

    def __init__(self, number: int, error: BaseException):
        self.left = number
        self.error = error

    def __call__(self, _what: str) -> None:
        """Count down."""
        self.left -= 1
        if self.left == 0:
            raise self.error

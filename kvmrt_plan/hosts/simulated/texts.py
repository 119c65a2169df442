# SPDX-License-Identifier: Apache-2.0
"""The raw texts of a simulated host, with a log of what was changed.

Every change is one line of JSON that is handed to the log before the next one is made, so that a run that
is killed leaves what a real host would be left with: the writes it had made, and no others.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from kvmrt_plan.errors import SnapshotError
from kvmrt_plan.facts.snapshot import RawDomain, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable


class Texts:
    """Mutable files, links, sleeping texts of offline CPUs, and domains of one simulated host."""

    def __init__(
        self,
        snapshot: Snapshot,
        log: Callable[[bytes], None] | None = None,
        boundary: Callable[[str], None] | None = None,
    ) -> None:
        self._snapshot = snapshot
        self.name = snapshot.name
        self._log = log
        self._boundary = boundary
        self.files = dict(snapshot.files)
        self.links = dict(snapshot.links)
        #: Texts that come back when their CPU is online again.
        self.dormant = dict(snapshot.dormant)
        libvirt = snapshot.libvirt
        self.domains = {one.uuid: one for one in libvirt.domains} if libvirt else {}

    def change(
        self,
        *,
        files: dict[str, str | None] | None = None,
        links: dict[str, str | None] | None = None,
        dormant: dict[str, str | None] | None = None,
        domains: tuple[RawDomain, ...] = (),
    ) -> None:
        """One change of the host, all parts at once; None removes an entry."""
        delta = {
            "files": files or {},
            "links": links or {},
            "dormant": dormant or {},
            "domains": [asdict(one) for one in domains],
        }
        what = next((path for path in files or ()), None) or next(
            (one.uuid for one in domains), "nothing"
        )
        if self._boundary is not None:
            self._boundary(f"before host write {what}")
        if self._log is not None:
            self._log(json.dumps(delta).encode() + b"\n")
        self._apply(delta)
        if self._boundary is not None:
            self._boundary(f"after host write {what}")

    def replay(self, line: bytes) -> None:
        """A change that an earlier run has logged.

        Raises:
            SnapshotError: the line is none.
        """
        try:
            self._apply(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise SnapshotError(
                "the log of the simulated host", f"is damaged: {error}", "remove it"
            ) from error

    def snapshot(self) -> Snapshot:
        """The present state."""
        libvirt = self._snapshot.libvirt
        if libvirt is not None:
            libvirt = replace(libvirt, domains=tuple(self.domains.values()))
        return Snapshot(
            name=self._snapshot.name,
            captured=self._snapshot.captured,
            files=dict(self.files),
            links=dict(self.links),
            unreadable=self._snapshot.unreadable,
            dormant=dict(self.dormant),
            libvirt=libvirt,
        )

    def _apply(self, delta: dict[str, Any]) -> None:
        for name in ("files", "links", "dormant"):
            target: dict[str, str] = getattr(self, name)
            for path, text in delta[name].items():
                if text is None:
                    target.pop(path, None)
                else:
                    target[path] = text
        for document in delta["domains"]:
            self.domains[document["uuid"]] = RawDomain(**document)

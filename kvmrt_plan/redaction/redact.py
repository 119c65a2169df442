# SPDX-License-Identifier: Apache-2.0
"""A whole snapshot, redacted. Plans of it are those of the original, but for names that were replaced."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.facts.kernel_args import parse_boot
from kvmrt_plan.redaction.domain import redact_domain
from kvmrt_plan.redaction.files import FileRedaction
from kvmrt_plan.redaction.words import HOST, REDACTED, Tally, interface_names, scrub, short_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kvmrt_plan.facts.snapshot import RawLibvirt, Snapshot

_CGROUPS = "/sys/fs/cgroup/"
#: Units that systemd, libvirt, kvmrt and container engines make everywhere; any other is named by somebody.
_KNOWN_UNIT = re.compile(
    r"(?:-|background|init|kubepods|machine|session|system|user|user-\d+|kvmrt[0-9a-f]{32})\.(?:slice|scope)"
    r"|[^/]*\.(?:mount|swap|socket|target|device|automount)"
    r"|redacted-[0-9a-f]{4}\.(?:slice|scope)"
)
_UNIT = re.compile(r"[^/]+\.(?:slice|scope|service)")
_USERINFO = re.compile(r"^([a-z0-9+]+://)([^/]*)")


def redact(snapshot: Snapshot, *, name: str = HOST) -> Snapshot:
    """The snapshot without what may not leave a team, under another name; one that is redacted stays.

    `redacted` of the result counts what was replaced, by kind.

    Raises:
        DomainXmlError: a domain's XML cannot be read.
    """
    if snapshot.redacted:
        return replace(snapshot, name=name)
    tally = Tally()
    domains = snapshot.libvirt.domains if snapshot.libvirt else ()
    uuids = frozenset(domain.uuid for domain in domains)
    files = FileRedaction(tally, host=snapshot.name, uuids=uuids, tokens=parse_boot(snapshot).own)
    names = replaced_names(snapshot)
    tally.add("names", len(names))
    rename = _Renaming(names, tally, uuids)
    tally.add("host-names", int(snapshot.name != name))
    return replace(
        snapshot,
        name=name,
        files={
            rename.text(path): rename.names(files.text(path, text))
            for path, text in snapshot.files.items()
        },
        links={rename.text(path): rename.text(to) for path, to in snapshot.links.items()},
        unreadable={rename.text(path): why for path, why in snapshot.unreadable.items()},
        dormant={
            rename.text(path): rename.names(files.text(path, text))
            for path, text in snapshot.dormant.items()
        },
        libvirt=_redact_libvirt(snapshot.libvirt, tally),
        redacted=tally.counts(),
    )


def replaced_names(snapshot: Snapshot) -> dict[str, str]:
    """What units and network interfaces are called in the redacted snapshot; only those that change."""
    paths = (*snapshot.files, *snapshot.links, *snapshot.unreadable)
    units = {path[len(_CGROUPS) :].partition("/")[0] for path in paths if path.startswith(_CGROUPS)}
    found: dict[str, str] = {}
    for suffix in ("slice", "scope", "service"):
        chosen = (unit for unit in units if _is_someones(unit) and unit.endswith(f".{suffix}"))
        found.update(short_names(chosen, f"{REDACTED}-{{}}.{suffix}"))
    return {**found, **interface_names((*paths, *snapshot.files.values()))}


def _is_someones(unit: str) -> bool:
    return bool(_UNIT.fullmatch(unit)) and not _KNOWN_UNIT.fullmatch(unit)


class _Renaming:
    """Replaces names wherever they stand as a whole."""

    def __init__(self, names: Mapping[str, str], tally: Tally, uuids: Iterable[str]) -> None:
        self._names = names
        self._tally = tally
        self._uuids = frozenset(uuids)
        words = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
        self._pattern = re.compile(rf"(?<![\w.-])(?:{words})(?![\w.])") if names else None

    def names(self, text: str) -> str:
        """The text with the names replaced."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._names[found[0]], text)

    def text(self, text: str) -> str:
        """A path or the target of a link, which may hold UUIDs as well."""
        return self.names(scrub(text, self._tally, kept=self._uuids))


def _redact_libvirt(libvirt: RawLibvirt | None, tally: Tally) -> RawLibvirt | None:
    if libvirt is None:
        return None
    uri = _USERINFO.sub(lambda found: found[1] + (REDACTED if found[2] else ""), libvirt.uri)
    uri = uri.partition("?")[0]
    tally.add("host-names", int(uri != libvirt.uri))
    problem = "libvirt did not answer" if libvirt.problem else ""
    return replace(
        libvirt,
        uri=uri,
        problem=problem,
        domains=tuple(
            replace(
                domain,
                xml=redact_domain(domain.xml, domain.uuid, tally),
                live_xml=redact_domain(domain.live_xml, domain.uuid, tally),
            )
            for domain in libvirt.domains
        ),
    )

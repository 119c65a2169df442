# SPDX-License-Identifier: Apache-2.0
r"""The snapshot file: a Snapshot as JSON and back.

The same snapshot always gives the same bytes: sorted keys, one text per line, ASCII only, so that a
version-control diff shows which file of the host changed and no text can act on a terminal. Bytes
that are no UTF-8 stand as lone surrogates (`\udcff`, Python's surrogateescape) and come back as they
were. A file of a higher minor version is read, what it has more is ignored; checks are written by
hand because a snapshot of a large host has 12 MB.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from kvmrt_plan import __version__
from kvmrt_plan.errors import SnapshotError
from kvmrt_plan.facts.snapshot import RawDomain, RawLibvirt, Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")

FORMAT = "kvmrt-snapshot"
FORMAT_VERSION = "1.1"
#: Largest document that is read. A host of 1,024 CPUs, 4,096 interrupts and 500 VMs has 12 MB.
MAX_SNAPSHOT_BYTES = 64 * 1024 * 1024

_MAJOR = 1
_REMEDY = "take a new one with `kvmrt snapshot -o FILE`"
#: What a JSON value is called in a message, by its Python type.
_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    type(None): "null",
}


def dump_snapshot(snapshot: Snapshot) -> str:
    """The document's text, ending in a newline."""
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kvmrt_version": __version__,
        "name": snapshot.name,
        "captured": snapshot.captured,
        "files": dict(snapshot.files),
        "links": dict(snapshot.links),
        "unreadable": dict(snapshot.unreadable),
        **({"dormant": dict(snapshot.dormant)} if snapshot.dormant else {}),
        "libvirt": None if snapshot.libvirt is None else _dump_libvirt(snapshot.libvirt),
        **({"redacted": dict(snapshot.redacted)} if snapshot.redacted else {}),
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def load_snapshot(text: str | bytes, *, file: str) -> Snapshot:
    """The snapshot that a document holds; `file` names it in messages.

    Raises:
        SnapshotError: it is too large, truncated, no JSON, no snapshot, of a later major version, or
            a value in it has the wrong type.
    """
    document = _Part(_load_json(text, file), file=file, place="")
    _check_format(document)
    libvirt = document.value.get("libvirt")
    return Snapshot(
        name=document.take("name", str),
        captured=document.take("captured", str),
        files=document.texts("files"),
        links=document.texts("links"),
        unreadable=document.texts("unreadable"),
        dormant=document.texts("dormant") if "dormant" in document.value else {},
        libvirt=None if libvirt is None else _load_libvirt(document.part("libvirt")),
        redacted=document.counts("redacted") if "redacted" in document.value else {},
    )


def _dump_libvirt(libvirt: RawLibvirt) -> dict[str, Any]:
    return {
        "uri": libvirt.uri,
        "problem": libvirt.problem,
        "version": libvirt.version,
        "domains": [
            {
                "uuid": domain.uuid,
                "name": domain.name,
                "state": domain.state,
                "persistent": domain.persistent,
                "autostart": domain.autostart,
                "xml": domain.xml,
                "live_xml": domain.live_xml,
                **({"guest": domain.guest} if domain.guest else {}),
            }
            for domain in libvirt.domains
        ],
    }


def _load_json(text: str | bytes, file: str) -> dict[str, Any]:
    if len(text) > MAX_SNAPSHOT_BYTES:
        limit = MAX_SNAPSHOT_BYTES // 1024**2
        raise SnapshotError(file, f"is larger than {limit} MiB, which no snapshot is", _REMEDY)
    try:
        value = json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
    except UnicodeDecodeError as error:
        problem = f"is no UTF-8 text (byte {error.start}), a snapshot was expected"
        raise SnapshotError(file, problem, _REMEDY) from error
    except RecursionError as error:
        raise SnapshotError(file, "is nested too deeply for a snapshot", _REMEDY) from error
    except ValueError as error:
        # JSONDecodeError, and a whole number of more digits than Python converts.
        problem = f"is no complete JSON text, a snapshot was expected ({error})"
        raise SnapshotError(file, problem, f"if it was cut off, {_REMEDY}") from error
    if not isinstance(value, dict):
        problem = f"holds {_KINDS[type(value)]}, a snapshot is an object"
        raise SnapshotError(file, problem, _REMEDY)
    return value


def _check_format(document: _Part) -> None:
    found = document.value.get("format")
    if found != FORMAT:
        has = f"is {found!r:.60}" if "format" in document.value else "is missing"
        problem = f'is no snapshot: "format" {has}, "{FORMAT}" was expected'
        raise SnapshotError(document.file, problem, _REMEDY)
    version = document.take("format_version", str)
    major, _, minor = version.partition(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in (major, minor)):
        problem = f'"format_version" is {version!r:.60}, a version such as "1.0" was expected'
        raise SnapshotError(document.file, problem, _REMEDY)
    if int(major) != _MAJOR:
        when = "the future" if int(major) > _MAJOR else "the past"
        problem = f"has format version {version} from {when}; this kvmrt reads {_MAJOR}.x"
        remedy = f"use the kvmrt that wrote it, or {_REMEDY} of this version"
        raise SnapshotError(document.file, problem, remedy)


def _load_libvirt(part: _Part) -> RawLibvirt:
    return RawLibvirt(
        uri=part.take("uri", str),
        problem=part.take("problem", str),
        version=part.take("version", int),
        domains=tuple(_load_domain(domain) for domain in part.parts("domains")),
    )


def _load_domain(part: _Part) -> RawDomain:
    uuid = part.take("uuid", str)
    try:
        canonical = str(UUID(uuid))
    except ValueError as error:
        raise part.wrong("uuid", f"is {uuid!r:.60}, a UUID was expected") from error
    return RawDomain(
        uuid=canonical,
        name=part.take("name", str),
        state=part.take("state", str),
        persistent=part.take("persistent", bool),
        autostart=part.take("autostart", bool),
        xml=part.take("xml", str),
        live_xml=part.take("live_xml", str),
        guest=part.take("guest", str) if "guest" in part.value else "",
    )


class _Part:
    """An object within the document, with the place that messages name (`libvirt.domains[3]`)."""

    __slots__ = ("file", "place", "value")

    def __init__(self, value: Mapping[str, Any], *, file: str, place: str) -> None:
        self.value = value
        self.file = file
        self.place = place

    def wrong(self, key: str, problem: str) -> SnapshotError:
        return SnapshotError(self.file, f'"{self.place}{key}" {problem}', _REMEDY)

    def take(self, key: str, kind: type[_T]) -> _T:
        if key not in self.value:
            raise self.wrong(key, f"is missing, {_KINDS[kind]} was expected")
        value = self.value[key]
        # Exactly the type: true is an int to isinstance.
        if type(value) is not kind:
            raise self.wrong(key, f"is {_KINDS[type(value)]}, {_KINDS[kind]} was expected")
        if isinstance(value, str):
            self._check_text(key, value)
        return value

    def texts(self, key: str) -> dict[str, str]:
        """An object of texts by absolute path."""
        found: dict[str, str] = self.take(key, dict)
        for path, text in found.items():
            if type(text) is not str:
                problem = f"has {_KINDS[type(text)]} at {path!r:.120}, a string was expected"
                raise self.wrong(key, problem)
            if not _is_path(path):
                raise self.wrong(key, f"names {path!r:.120}, an absolute path was expected")
            if not text.isascii():
                self._check_text(key, text)
        return found

    def counts(self, key: str) -> dict[str, int]:
        """An object of numbers by name."""
        part = self.part(key)
        return {name: part.take(name, int) for name in part.value}

    def part(self, key: str) -> _Part:
        return _Part(self.take(key, dict), file=self.file, place=f"{self.place}{key}.")

    def parts(self, key: str) -> list[_Part]:
        found = []
        for index, value in enumerate(self.take(key, list)):
            if type(value) is not dict:
                kind = _KINDS[type(value)]
                raise self.wrong(f"{key}[{index}]", f"is {kind}, an object was expected")
            place = f"{self.place}{key}[{index}]."
            found.append(_Part(value, file=self.file, place=place))
        return found

    def _check_text(self, key: str, text: str) -> None:
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise self.wrong(key, "holds half a character (a lone surrogate)") from error


def _is_path(path: str) -> bool:
    if not path.startswith("/") or path.endswith("/") or "\0" in path or "//" in path:
        return False
    return "/." not in path or not {".", ".."}.intersection(path.split("/"))

# SPDX-License-Identifier: Apache-2.0
"""The snapshot file: stable bytes, a lossless way back, and clear refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kvmrt_plan import __version__
from kvmrt_plan.errors import SnapshotError
from kvmrt_plan.facts import document
from kvmrt_plan.facts.document import dump_snapshot, load_snapshot
from kvmrt_plan.facts.snapshot import RawDomain, RawLibvirt, Snapshot

SNAPSHOT = Snapshot(
    name="rt-node-3",
    captured="2026-11-22T10:12:00Z",
    files={
        "/proc/cmdline": "quiet\n",
        "/etc/tuned/active_profile": b"\xff\0\n".decode("utf-8", "surrogateescape"),
    },
    links={"/run/systemd/system": ""},
    unreadable={"/sys/kernel/debug/irq/irqs": "EACCES"},
    libvirt=RawLibvirt(
        uri="qemu:///system",
        version=9000000,
        domains=(
            RawDomain(
                uuid="fde74e84-0e1b-404e-90e7-72101e79c48a",
                name="rt1",
                state="running",
                persistent=True,
                autostart=False,
                xml="<domain/>",
                live_xml="<domain id='1'/>",
            ),
        ),
    ),
)

TEXT = f"""\
{{
 "captured": "2026-11-22T10:12:00Z",
 "files": {{
  "/etc/tuned/active_profile": "\\udcff\\u0000\\n",
  "/proc/cmdline": "quiet\\n"
 }},
 "format": "kvmrt-snapshot",
 "format_version": "1.1",
 "kvmrt_version": "{__version__}",
 "libvirt": {{
  "domains": [
   {{
    "autostart": false,
    "live_xml": "<domain id='1'/>",
    "name": "rt1",
    "persistent": true,
    "state": "running",
    "uuid": "fde74e84-0e1b-404e-90e7-72101e79c48a",
    "xml": "<domain/>"
   }}
  ],
  "problem": "",
  "uri": "qemu:///system",
  "version": 9000000
 }},
 "links": {{
  "/run/systemd/system": ""
 }},
 "name": "rt-node-3",
 "unreadable": {{
  "/sys/kernel/debug/irq/irqs": "EACCES"
 }}
}}
"""


def _with(**changes: Any) -> str:
    return json.dumps(json.loads(TEXT) | changes)


def test_text_is_sorted_with_one_file_per_line() -> None:
    assert dump_snapshot(SNAPSHOT) == TEXT


@pytest.mark.parametrize("text", [TEXT, TEXT.encode("ascii")])
def test_way_back_is_lossless(text: str | bytes) -> None:
    assert load_snapshot(text, file="host.json") == SNAPSHOT


def test_later_minor_version_with_more_in_it_is_read() -> None:
    text = _with(format_version="1.7", future={"a": [1]})
    assert load_snapshot(text, file="host.json") == SNAPSHOT


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no complete JSON text"),
        (TEXT[:-200], "is no complete JSON text"),
        (b"\xff\xfe{", "is no UTF-8 text (byte 0)"),
        ("\ufeff{}", "is no complete JSON text"),
        ("\0", "is no complete JSON text"),
        ("[" * 200_000, "is nested too deeply"),
        ("1" * 5000, "is no complete JSON text"),
        ("[]", "holds a list, a snapshot is an object"),
        ("1.5", "holds a number"),
        ('{"format_version": "1.1", "cpus": []}', '"format" is missing'),
        (_with(format="kvmrt-plan"), "\"format\" is 'kvmrt-plan'"),
        (_with(format=None), '"format" is None'),
        (_with(format_version="2.0"), "format version 2.0 from the future; this kvmrt reads 1.x"),
        (_with(format_version="0.9"), "format version 0.9 from the past"),
        (_with(format_version="one"), "a version such as"),
        (_with(format_version=1), '"format_version" is a whole number, a string was expected'),
        (_with(name=None), '"name" is null, a string was expected'),
        (_with(name="\ud800"), '"name" holds half a character'),
        (_with(files=[]), '"files" is a list, an object was expected'),
        (_with(files={"/proc/cmdline": 1}), "has a whole number at '/proc/cmdline'"),
        (_with(files={"proc/cmdline": ""}), "an absolute path was expected"),
        (_with(files={"/proc/../etc/shadow": ""}), "an absolute path was expected"),
        (_with(links={"/proc/": ""}), "\"links\" names '/proc/'"),
        (_with(unreadable={"/proc/x": None}), '"unreadable" has null'),
        (_with(libvirt=True), '"libvirt" is true or false, an object was expected'),
        (_with(libvirt={"uri": ""}), '"libvirt.problem" is missing, a string was expected'),
    ],
)
def test_refusals_say_what_was_expected(text: str | bytes, problem: str) -> None:
    with pytest.raises(SnapshotError) as raised:
        load_snapshot(text, file="host.json")
    assert raised.value.problem.startswith("host.json: ")
    assert problem in raised.value.problem
    assert "kvmrt snapshot -o FILE" in raised.value.remedy


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("uuid", "none", "\"libvirt.domains[0].uuid\" is 'none', a UUID was expected"),
        ("persistent", 1, '"libvirt.domains[0].persistent" is a whole number, true or false'),
        ("xml", None, '"libvirt.domains[0].xml" is null'),
    ],
)
def test_place_within_libvirt_is_named(key: str, value: object, problem: str) -> None:
    changed = json.loads(TEXT)
    changed["libvirt"]["domains"][0][key] = value
    with pytest.raises(SnapshotError) as raised:
        load_snapshot(json.dumps(changed), file="host.json")
    assert problem in raised.value.problem


def test_domain_that_is_no_object_is_named() -> None:
    changed = json.loads(TEXT)
    changed["libvirt"]["domains"].append("rt2")
    with pytest.raises(SnapshotError, match=r"domains\[1\]\" is a string, an object was expected"):
        load_snapshot(json.dumps(changed), file="host.json")


def test_document_that_is_too_large_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_SNAPSHOT_BYTES", 1024 * 1024)
    with pytest.raises(SnapshotError, match="is larger than 1 MiB"):
        load_snapshot(" " * (1024 * 1024 + 1), file="host.json")

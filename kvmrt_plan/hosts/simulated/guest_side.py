# SPDX-License-Identifier: Apache-2.0
"""The inside of a simulated guest: the text that its agent would give, changed as a guest changes."""

from __future__ import annotations

from dataclasses import replace

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.guest import (
    BLOCKED,
    NOT_BLOCKED,
    GuestFacts,
    format_guest,
    parse_guest,
)


def with_file(text: str, path: str, value: str | None) -> str:
    """The guest with this file, or without it (None)."""
    facts = parse_guest(text)
    files = {key: one for key, one in facts.files.items() if key != path}
    if value is not None:
        files[path] = value
    return format_guest(replace(facts, files=files))


def with_setting(text: str, setting: str, value: str) -> str:
    """The guest with this setting.

    Raises:
        WriteRefusedError: there is no such unit, or no such value.
    """
    facts = parse_guest(text)
    what, _, name = setting.partition("/")
    if what == "module":
        return format_guest(_with_module(facts, value))
    if name not in facts.units:
        raise WriteRefusedError(name, f"Unit {name}.service not found.")
    enabled, running = facts.units[name]
    state = (value, running) if what == "unit" else (enabled, value)
    return format_guest(replace(facts, units={**facts.units, name: state}))


def _with_module(facts: GuestFacts, value: str) -> GuestFacts:
    if value not in (BLOCKED, NOT_BLOCKED):
        raise WriteRefusedError("virtio_balloon", f"cannot be {value}")
    is_blocked = value == BLOCKED
    made = "none" if facts.initramfs == "none" else "with" if is_blocked else "without"
    return replace(facts, is_blocked=is_blocked, initramfs=made)

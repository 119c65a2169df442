# SPDX-License-Identifier: Apache-2.0
"""The attributes of a probe: texts to values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kvmrt_plan.desired.attribute import BadValue, integer_parser, parse_title

if TYPE_CHECKING:
    from collections.abc import Callable

#: What a probe does: exactly one of these is written.
KINDS = ("command", "tcp", "ping")
MAX_TIMEOUT_SECONDS = 3600
_MAX_PORT = 65535

TCP_PATTERN = r"^([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$"
#: Does not begin with `-`: the program would take it for an option.
PING_PATTERN = r"^[A-Za-z0-9:][A-Za-z0-9._:%-]*$"

_TCP = re.compile(TCP_PATTERN[:-1] + r"\Z")
_PING = re.compile(PING_PATTERN[:-1] + r"\Z")


def parse_tcp(text: str) -> str:
    """`host:port`; an IPv6 address stands in square brackets."""
    if not _TCP.match(text) or not 1 <= int(text.rpartition(":")[2]) <= _MAX_PORT:
        raise BadValue(
            "host:port is expected", "write a name or address and a port, such as 192.0.2.7:22"
        )
    return text


def parse_ping(text: str) -> str:
    """A host's name or address."""
    if not _PING.match(text):
        raise BadValue("a host is expected", "write a name or an address, such as 192.0.2.1")
    return text


def parse_command(words: list[str]) -> tuple[str, ...]:
    """A program and its arguments."""
    if not words or not words[0]:
        raise BadValue(
            "a program and its arguments are expected", "write a list, such as [ls, /srv/vms]"
        )
    return tuple(words)


#: Those that are one value; `command` is a list.
PROBE_ATTRIBUTES: dict[str, Callable[[str], Any]] = {
    "name": parse_title,
    "tcp": parse_tcp,
    "ping": parse_ping,
    "timeout": integer_parser(1, MAX_TIMEOUT_SECONDS),
}

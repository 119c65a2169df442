# SPDX-License-Identifier: Apache-2.0
"""The nodes of a YAML document with their places in the text.

Plain scalars are told apart by YAML 1.2's core schema. What YAML 1.1 or ruamel.yaml would take for a
number counts as one too: other programs that read the file must not see another value.
"""

from __future__ import annotations

import re
from typing import Any

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_NUMBER = re.compile(
    r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?::[0-5]?[0-9])*(?:\.[0-9_]*)?"
    r"(?:[eE][-+]?[0-9]+)?|\.[0-9_]+(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?")
_INTEGER = re.compile(r"[-+]?[0-9]+")


class Node:
    """A part of the document; `line` counts from 1, `start` and `end` count characters."""

    __slots__ = ("end", "flow", "line", "start")

    def __init__(self, event: Any) -> None:
        mark = event.start_mark
        self.line: int = mark.line + 1
        self.start: int = mark.index
        self.end: int = event.end_mark.index
        self.flow: bool = bool(getattr(event, "flow_style", False))


class Scalar(Node):
    """A word, number or text. `style` is its quote or block indicator, "" for a plain one."""

    __slots__ = ("column", "style", "text")

    def __init__(self, event: Any) -> None:
        super().__init__(event)
        self.text: str = event.value
        self.column: int = event.start_mark.column
        style = event.style
        self.style: str = style if style in ("'", '"', "|", ">") else ""

    @property
    def kind(self) -> str:
        """What the text stands for: `null`, `bool`, `int`, `float`, `date` or `str`."""
        text = self.text
        if self.style:
            return "str"
        if text in _NULL:
            return "null"
        if text in _BOOL:
            return "bool"
        # Only these can begin a number; the expression is slow.
        if text[0] not in "+-.0123456789":
            return "str"
        if _NUMBER.fullmatch(text):
            return "int" if _INTEGER.fullmatch(text) else "float"
        return "date" if _DATE.fullmatch(text) else "str"


class Sequence(Node):
    """A list of nodes."""

    __slots__ = ("items",)

    def __init__(self, event: Any) -> None:
        super().__init__(event)
        self.items: list[Node] = []


class Mapping(Node):
    """Keys and values in the order of the file; a key occurs once."""

    __slots__ = ("entries",)

    def __init__(self, event: Any) -> None:
        super().__init__(event)
        self.entries: dict[str, tuple[Scalar, Node]] = {}

    def get(self, key: str) -> Node | None:
        """The value of a key, or None."""
        entry = self.entries.get(key)
        return entry[1] if entry else None


class Refused(Node):
    """A part that was reported already; whoever meets it says nothing more."""

    __slots__ = ()

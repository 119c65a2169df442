# SPDX-License-Identifier: Apache-2.0
"""YAML text to a tree of nodes with their places; what an attribute means is decided elsewhere.

The parser's events are put together here and not by its composer, because a file of settings needs
only mappings, sequences and scalars: anchors, aliases, tags, merge keys, directives and further
documents are refused, depth and number of nodes are bounded, so that no file can use up memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.decode import refused_characters
from kvmrt_plan.desired.problems import quote
from kvmrt_plan.desired.yaml_tree import Mapping, Node, Refused, Scalar, Sequence
from kvmrt_plan.values.text import escape_text

try:
    from _ruamel_yaml import CParser  # type: ignore[import-not-found]
except ImportError:  # the parser in C is a package of its own, and not built everywhere
    CParser = None

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.desired.problems import Problems

MAX_DEPTH = 20
#: 500 VMs with every attribute have 20,000 nodes.
MAX_NODES = 200_000


class _Stopped(Exception):  # noqa: N818  control flow inside this module
    """Reading on makes no sense; the reason is among the problems."""


def compose_yaml(text: str, problems: Problems) -> Node | None:
    """The root of the only document; None when there is none or it cannot be read to its end."""
    composer = _Composer(problems)
    try:
        for event in _events(text):
            composer.take(event)
    except MarkedYAMLError as error:
        _report_syntax(error, text, problems)
        return None
    except YAMLError as error:
        summary = f"no YAML: {escape_text(str(error).splitlines()[0])}"
        problems.add(codes.SYNTAX, None, summary=summary, remedy="repair the YAML")
        return None
    except _Stopped:
        return None
    return composer.root


def _events(text: str) -> Iterator[Any]:
    if CParser is None:
        # The parser in Python gives the same events, some thirty times slower.
        from ruamel.yaml import YAML

        yield from YAML(typ="safe", pure=True).parse(text)
        return
    parser = CParser(text)
    while True:
        event = parser.get_event()
        if event is None:
            return
        yield event


def _report_syntax(error: MarkedYAMLError, text: str, problems: Problems) -> None:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    reason = escape_text(", ".join(part for part in (error.context, error.problem) if part))
    remedy = "repair the YAML here; check indentation, colons and quotes"
    lines = text.split("\n")
    at_fault = lines[line - 1] if line and line <= len(lines) else ""
    if "\t" in at_fault[: len(at_fault) - len(at_fault.lstrip())]:
        remedy = "indent with blanks, not with tabs"
    if error.context_mark and error.context_mark.line + 1 != line:
        reason += f" (begun on line {error.context_mark.line + 1})"
    problems.add(codes.SYNTAX, line, summary=f"no YAML: {reason}", remedy=remedy)


class _Composer:
    """Events to nodes; `open` holds the collections that have begun and not ended."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.root: Node | None = None
        self.open: list[Mapping | Sequence] = []
        #: The key whose value comes next, for every open collection.
        self.keys: list[Node | None] = []
        self.nodes = 0
        self.documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, ScalarEvent):
            self._place(self._scalar(event))
        elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            self._begin(event)
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            self._end(event)
        elif isinstance(event, AliasEvent):
            self._refuse(event, f"alias *{event.anchor}", "write the value itself")
            self._place(Refused(event))
        elif isinstance(event, DocumentStartEvent):
            self._begin_document(event)
        else:
            assert isinstance(event, (StreamStartEvent, StreamEndEvent, DocumentEndEvent))

    def _begin_document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self._refuse(event, "a second document", "keep one document; remove what follows ---")
            raise _Stopped
        if event.version or event.tags:
            self._refuse(event, "a directive (a line with %)", "remove the lines that begin with %")

    def _scalar(self, event: Any) -> Node:
        if event.anchor or event.tag:
            return self._without_properties(event)
        scalar = Scalar(event)
        refused = refused_characters(scalar.text)
        if refused:
            self.problems.add(
                codes.CONTROL_CHARACTER,
                scalar.line,
                summary=f"{quote(scalar.text)} holds the control character"
                f" {escape_text(refused[0])}",
                remedy="remove its escape sequence; no attribute needs it",
            )
            return Refused(event)
        return scalar

    def _without_properties(self, event: Any) -> Node:
        """A node with an anchor or a tag: reported, and not looked into."""
        if event.anchor:
            self._refuse(event, f"anchor &{event.anchor}", "remove it, and write values out")
        if event.tag:
            self._refuse(event, f"tag {event.tag}", "remove it; put a text in quotes instead")
        return Refused(event)

    def _begin(self, event: Any) -> None:
        if len(self.open) >= MAX_DEPTH:
            self._refuse(
                event, f"nesting deeper than {MAX_DEPTH} levels", "a configuration has four levels"
            )
            raise _Stopped
        if event.anchor or event.tag:
            self._without_properties(event)
        self.open.append(
            Mapping(event) if isinstance(event, MappingStartEvent) else Sequence(event)
        )
        self.keys.append(None)

    def _end(self, event: Any) -> None:
        done = self.open.pop()
        self.keys.pop()
        done.end = event.end_mark.index
        self._place(done)

    def _place(self, node: Node) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            summary = f"more than {MAX_NODES} values"
            self.problems.add(
                codes.YAML_FEATURE,
                node.line,
                summary=f"{summary} are not accepted",
                remedy="name the configuration file of kvmrt",
            )
            raise _Stopped
        if not self.open:
            self.root = node
        elif isinstance(self.open[-1], Sequence):
            self.open[-1].items.append(node)
        elif self.keys[-1] is None:
            self.keys[-1] = node
        else:
            key, self.keys[-1] = self.keys[-1], None
            self._place_entry(self.open[-1], key, node)

    def _place_entry(self, mapping: Mapping, key: Node, value: Node) -> None:
        if isinstance(key, Refused):
            return
        if not isinstance(key, Scalar):
            self._refuse_at(key.line, "a key that is no word", "write KEY: VALUE")
        elif key.text == "<<" and not key.style:
            self._refuse_at(key.line, "a merge key (<<)", "write the attributes out")
        elif key.text in mapping.entries:
            first = mapping.entries[key.text][0].line
            self.problems.add_duplicate(quote(key.text), line=key.line, first_line=first)
        else:
            mapping.entries[key.text] = (key, value)

    def _refuse(self, event: Any, what: str, remedy: str) -> None:
        self._refuse_at(event.start_mark.line + 1, what, remedy)

    def _refuse_at(self, line: int, what: str, remedy: str) -> None:
        self.problems.add(
            codes.YAML_FEATURE,
            line,
            summary=f"{escape_text(what)} is not accepted",
            remedy=remedy,
        )

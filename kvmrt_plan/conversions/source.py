# SPDX-License-Identifier: Apache-2.0
"""A foreign YAML or JSON file as mappings that know their lines and which of their keys were understood.

What is wrong becomes a finding with file, line, value and what was expected; what nobody asked for is listed
at the end. Unlike kvmrt's own files, these may have anchors, tags and several documents: their owners need
them.
Nothing here follows a value deeper than it is asked to, so that aliases cannot make a small file large.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from kvmrt_plan.conversions.converted import LeftOut
from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.attribute import FALSE_WORDS, TRUE_WORDS, BadValue
from kvmrt_plan.desired.problems import Problems, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_T = TypeVar("_T")

#: A description of hundreds of VMs has some hundred kilobytes.
MAX_SOURCE_BYTES = 4 * 1024 * 1024
_TOO_LONG = 60


class Origin:
    """One file: its problems, and what was left out of it."""

    def __init__(self, file: str) -> None:
        self.problems = Problems(file)
        self.left_out: list[LeftOut] = []

    def documents(self, text: str) -> list[Part]:
        """The documents of the file that are mappings; others are problems."""
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        try:
            # Aliases stay references, tags stay names: nothing is made of them.
            found = [one for one in YAML(typ="rt").load_all(text) if one is not None]
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else None
            self._refuse(line, f"no YAML or JSON: {quote(str(error.problem))}", "repair it here")
            return []
        except (YAMLError, ValueError, RecursionError, AttributeError, TypeError) as error:
            self._refuse(None, f"no YAML or JSON: {quote(str(error))}", "repair it")
            return []
        for one in found:
            if not isinstance(one, Mapping):
                self._refuse(1, "a mapping was expected", "name a file of the kind that was asked")
        return [Part(one, self, "") for one in found if isinstance(one, Mapping)]

    def _refuse(self, line: int | None, summary: str, remedy: str) -> None:
        self.problems.add(codes.SYNTAX, line, summary=summary, remedy=remedy)


class Part:
    """A mapping of the file. Keys that are read count as understood; `leave_rest` lists the others."""

    def __init__(self, value: Mapping[Any, Any], origin: Origin, path: str, vm: str = "") -> None:
        self._value = value
        self.origin = origin
        self._path = path
        self._seen: set[Any] = set()
        self.vm = vm

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def __iter__(self) -> Iterator[str]:
        return iter(self._value)

    def line(self, key: str | None = None) -> int | None:
        """Where the key stands, or the mapping itself."""
        places = getattr(self._value, "lc", None)
        try:
            return int((places.line if key is None else places.key(key)[0]) + 1)  # type: ignore[union-attr]
        except (AttributeError, KeyError, TypeError):
            return None

    def peek(self, key: str) -> Any:
        """The raw value; None when absent."""
        return self._value.get(key)

    def text(self, key: str) -> str | None:
        """A scalar as text; None when absent or null, and when it is none, which is a problem."""
        self._seen.add(key)
        value = self._value.get(key)
        if value is None:
            return None
        if isinstance(value, (Mapping, list)):
            self.refuse(key, "a single value is expected", "write one value")
            return None
        return text_of(value)

    def read(self, key: str, parse: Callable[[str], _T]) -> _T | None:
        """The parsed value; None when absent or wrong, which is a problem."""
        text = self.text(key)
        if text is None:
            return None
        try:
            return parse(text)
        except BadValue as error:
            self.refuse(key, error.expected, error.remedy)
            return None

    def flag(self, key: str) -> bool | None:
        """A switch; None when absent or wrong, which is a problem."""
        return self.read(key, _parse_flag)

    def part(self, key: str) -> Part:
        """The mapping of that key; an empty one when it is absent or null, or none, which is a problem."""
        self._seen.add(key)
        value = self._value.get(key)
        path = f"{self._path}.{key}".lstrip(".")
        if value is not None and not isinstance(value, Mapping):
            self.refuse(key, "a mapping is expected", "write KEY: VALUE lines below it")
            value = None
        return Part({} if value is None else value, self.origin, path, self.vm)

    def items(self, key: str) -> list[Any]:
        """The list of that key; empty when it is absent, or none, which is a problem."""
        self._seen.add(key)
        value = self._value.get(key)
        if value is not None and not isinstance(value, list):
            self.refuse(key, "a list is expected", "write a list")
            return []
        return list(value or [])

    def refuse(self, key: str, expected: str, remedy: str) -> None:
        """Note that the value of a key is wrong."""
        shown = quote(text_of(self._value.get(key)))
        self.origin.problems.add(
            codes.BAD_VALUE,
            self.line(key),
            summary=f"{quote(self._named(key))[1:-1]} {shown}: {expected}",
            remedy=remedy,
            vm=self.vm or None,
        )

    def leave(self, key: str, why: str) -> None:
        """List a key as left out, if it is there."""
        self._seen.add(key)
        if key in self._value:
            self.note(self._named(key), text_of(self._value[key]), why, line=self.line(key))

    def leave_rest(self, why: Callable[[str], str]) -> None:
        """List every key that nobody has read."""
        for key in list(self._value):
            if key not in self._seen:
                self.leave(key, why(str(key)))

    def note(self, name: str, value: str, why: str, *, line: int | None = None) -> None:
        """List something that is left out."""
        self.origin.left_out.append(LeftOut(vm=self.vm, name=name, value=value, line=line, why=why))

    def _named(self, key: object) -> str:
        return f"{self._path}.{key}".lstrip(".")


def text_of(value: object) -> str:
    """A value as one writes it; of a mapping or list only what it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{}" if not value else "{...}"
    if isinstance(value, list):
        return _list_text(value)
    return "" if value is None else str(value)


def _list_text(value: list[Any]) -> str:
    plain = [one for one in value if not isinstance(one, (Mapping, list))]
    text = ", ".join(map(text_of, plain[:20]))
    is_short = len(plain) == len(value) <= 20 and len(text) <= _TOO_LONG
    return f"[{text}]" if is_short else f"[{len(value)} entries]"


def _parse_flag(text: str) -> bool:
    word = text.lower()
    if word in TRUE_WORDS or word in FALSE_WORDS:
        return word in TRUE_WORDS
    raise BadValue("true or false is expected", "write true or false")

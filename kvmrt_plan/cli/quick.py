# SPDX-License-Identifier: Apache-2.0
"""Reads plain command lines of the quick views without argparse, which takes 16 ms to load and build.

`QuickParser` takes the same declarations as an `argparse.ArgumentParser` (`add_arguments` of the command's
parser module is the only one there is). What it understands it understands as argparse does; for all else,
`--help` and errors among it, it gives None, and argparse has the word.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence
    from typing import Any, cast
else:

    def cast(_: str, value: object) -> object:
        """For the type checker only."""
        return value


#: Commands that are worth it.
QUICK_COMMANDS = frozenset({"topology", "irqs", "tasks"})


_REFUSED = object()


class Arguments:
    """What argparse calls a Namespace."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


class _Option:
    """One declared option."""

    def __init__(self, flags: tuple[str, ...], group: object, **declared: Any) -> None:
        # Options, not positional arguments; kwargs that are for --help do not matter here.
        long = next((flag for flag in flags if flag.startswith("--")), flags[0])
        self.name: str = declared.get("dest") or long.lstrip("-").replace("-", "_")
        self.group = group
        self.action: str = declared.get("action", "store")
        self.convert: Callable[[str], Any] | None = declared.get("type")
        self.choices = declared.get("choices")
        self.default = declared.get("default", False if self.action == "store_true" else None)

    def read(self, text: str) -> object:
        """The value; `_REFUSED` when argparse has to look at it."""
        if not text or text.startswith("-"):
            return _REFUSED
        try:
            value = self.convert(text) if self.convert else text
        except Exception:  # noqa: BLE001  argparse calls it again and reports what it raises
            return _REFUSED
        return value if self.choices is None or value in self.choices else _REFUSED


class QuickParser:
    """Declared options by flag."""

    def __init__(self) -> None:
        self._options: dict[str, _Option] = {}
        self._group: object = None
        self._is_plain = True

    def add_argument(self, *flags: str, **declared: Any) -> None:
        """As argparse's."""
        option = _Option(flags, self._group, **declared)
        self._is_plain &= (
            flags[0].startswith("-")
            and option.action in ("store", "store_true")
            and not declared.get("required")
            and "nargs" not in declared
        )
        self._options.update(dict.fromkeys(flags, option))

    def add_mutually_exclusive_group(self) -> QuickParser:
        """As argparse's, without `required`."""
        group = QuickParser()
        group._options = self._options
        group._group = group
        return group

    def parse(self, argv: Sequence[str]) -> Arguments | None:
        """The arguments; None when argparse has to look at them."""
        values = {option.name: option.default for option in self._options.values()}
        used: dict[object, _Option] = {}
        words = iter(argv)
        for word in words:
            flag, equals, value = word.partition("=")
            option = self._options.get(flag)
            if option is None or not self._is_plain:
                return None
            if option.group and used.setdefault(option.group, option) is not option:
                return None
            # A short option takes `=` as part of its value.
            if equals and (option.action != "store" or not flag.startswith("--")):
                return None
            read = (
                True
                if option.action != "store"
                else option.read(value if equals else next(words, ""))
            )
            if read is _REFUSED:
                return None
            values[option.name] = read
        return Arguments(values)


def parse_quickly(command: str, argv: Sequence[str]) -> Namespace | None:
    """The arguments of the command; None when argparse has to look at them."""
    if command not in QUICK_COMMANDS:
        return None
    parser = QuickParser()
    module = importlib.import_module(f"kvmrt_plan.cli.parsers.{command}")
    module.add_arguments(parser)
    arguments = parser.parse(argv)
    if arguments is not None:
        arguments.command = command  # type: ignore[attr-defined]
    return cast("Namespace | None", arguments)

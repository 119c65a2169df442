# SPDX-License-Identifier: Apache-2.0
"""Manual pages from the parser, in the macros of man(7), so that they say exactly what --help says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan import __version__
from kvmrt_plan.cli.arguments import COMMANDS, build_command_parser, build_parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

_HEADER = '.\\" SPDX-License-Identifier: Apache-2.0\n.\\" Made by `make man` from the parser.'


def manual_pages() -> dict[str, str]:
    """All pages by file name: `kvmrt.1`, and one per command."""
    pages = {"kvmrt.1": _page("kvmrt", build_parser(), _commands())}
    for name in COMMANDS:
        parser = build_command_parser(name)
        pages[f"kvmrt-{name}.1"] = _page(f"kvmrt-{name}", parser, ())
    return pages


def _page(name: str, parser: argparse.ArgumentParser, extra: tuple[str, ...]) -> str:
    description = " ".join((parser.description or "").split())
    summary = description.rstrip(".")
    lines = [
        _HEADER,
        f'.TH "{name.upper()}" "1" "" "kvmrt {__version__}" "User Commands"',
        ".SH NAME",
        f"{_roff(name)} \\- {_roff(summary[0].lower() + summary[1:])}",
        ".SH SYNOPSIS",
        *_synopsis(parser),
        ".SH DESCRIPTION",
        _roff(description),
        *extra,
        *_arguments(parser),
        *_epilog(parser.epilog or ""),
        *_see_also(name),
    ]
    return "\n".join(lines) + "\n"


def _synopsis(parser: argparse.ArgumentParser) -> Iterator[str]:
    words = " ".join(parser.format_usage().removeprefix("usage: ").split())
    yield f".B {_roff(parser.prog)}"
    yield _roff(words.removeprefix(parser.prog).strip())


def _commands() -> tuple[str, ...]:
    lines = [".SH COMMANDS"]
    for name in COMMANDS:
        summary = (build_command_parser(name).description or "").rstrip(".")
        lines += [".TP", f".BR kvmrt\\-{_roff(name)} (1)", _roff(summary)]
    return tuple(lines)


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    described = [
        action
        for action in parser._actions  # noqa: SLF001  argparse has no other list of its arguments
        if not isinstance(action.choices, dict)
    ]
    if described:
        yield ".SH OPTIONS"
    for action in described:
        value = "" if action.nargs == 0 else _value(action)
        names = ", ".join(f"\\fB{_roff(one)}\\fR" for one in action.option_strings)
        yield ".TP"
        yield f"{names} {value}".strip()
        yield _roff((action.help or "").replace("%%", "%"))


def _value(action: argparse.Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    shown = f"\\fI{_roff(metavar)}\\fR"
    if action.nargs in ("?", "*"):
        return f"[{shown}{'...' if action.nargs == '*' else ''}]"
    return shown


def _epilog(text: str) -> Iterator[str]:
    """`example:` and `exit codes:` with what stands below them, line for line."""
    title, _, body = text.partition("\n")
    if title:
        yield f".SH {_roff(title.rstrip(':').upper())}"
        yield ".nf"
        yield from (_roff(re.sub("^  ", "", line)) for line in body.rstrip("\n").split("\n"))
        yield ".fi"


def _see_also(name: str) -> Iterator[str]:
    yield ".SH SEE ALSO"
    others = ("kvmrt-plan", "kvmrt-apply") if name == "kvmrt" else ("kvmrt",)
    yield ",\n".join(f".BR {_roff(one)} (1)" for one in others).replace("(1),", "(1),")


def _roff(text: str) -> str:
    """Text of a page: backslashes, hyphens that are typed, and lines that would be requests."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{safe}" if safe.startswith(".") else safe

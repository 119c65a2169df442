# SPDX-License-Identifier: Apache-2.0
"""Commands in the documents, and the closed tables of those that a test does not run as they stand.

Blocks of ```sh hold commands, one per line; blocks of ```console hold commands behind `$ ` and what they
print, where a line `...` stands for any lines and `...` within a line for any text.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repository_files import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Pages whose blocks are what leads to a finding, on a host that is not the example: parsed only.
PARSED_PAGES = {
    "docs/guests.md": "needs a running guest with an agent, which the example has not",
    "docs/findings.md": "each block is one way to a finding, on a host that is not the example",
}

#: Commands of kvmrt that are parsed and not run, by their beginning, with the reason.
PARSED = {
    "kvmrt top": "needs a terminal",
    "kvmrt guest": "needs a running guest with an agent, which the example has not",
    "kvmrt confirm": "needs the run that waits, of the line above it",
}

#: What is run in the place of a command, which is parsed as it stands: a timer would outlive the test.
INSTEAD = {"kvmrt apply -f kvmrt.yaml --confirm 60": "apply -f kvmrt.yaml"}

#: Commands that find their hosts themselves. How they end is their verdict, which tests of their own compare.
LOOKS_ITSELF = {"check": {0, 1, 2}}

#: Other programs, with the reason why no test runs them. Targets of make and files must exist.
FOREIGN = {
    "make": "installs packages, or runs the tests that run this one",
    ".ci/run": "runs the tests that run this one",
    "cp": "done by the test itself",
    "pip": "needs a network",
    "virsh": "changes libvirt's domains",
    "chcpu": "changes this machine",
    "systemctl": "changes this machine",
    "sysctl": "changes this machine",
    "pytest": "the policies have a test of their own",
    "python": "scripts of the repository have tests of their own",
    "examples/make_two_socket.py": "has a test of its own (test_examples.py)",
}

#: What ends with another code than 0 on the example, with it.
EXIT_CODES = {
    "kvmrt plan -f kvmrt.yaml --host host.json --json --detailed-exitcode": {2},
    "kvmrt diff before.json after.json --exit-code": {2},
    "kvmrt diff before.json after.json --json --exit-code": {2},
}

_BLOCK = re.compile(r"^( *)```(sh|console)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass
class Command:
    """One command of a document, with the output that stands below it."""

    page: str
    line: int
    text: str
    output: list[str] | None = field(default=None)

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text, comments=True)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def commands_of(path: Path) -> list[Command]:
    """All commands of a page, in their order; several on a line (`&&`) are several."""
    page = str(path.relative_to(REPOSITORY))
    text = path.read_text(encoding="utf-8")
    return [one for block in _BLOCK.finditer(text) for one in _commands(page, text, block)]


def _commands(page: str, text: str, block: re.Match[str]) -> Iterator[Command]:
    first = text.count("\n", 0, block.start(3)) + 1
    lines = [line.removeprefix(block[1]) for line in block[3].splitlines()]
    if block[2] == "sh":
        for number, line in enumerate(lines, start=first):
            for part in line.split(" && "):
                if shlex.split(part, comments=True):
                    yield Command(page, number, part.strip())
        return
    current: Command | None = None
    for number, line in enumerate(lines, start=first):
        if line.startswith("$ "):
            if current:
                yield current
            current = Command(page, number, line[2:], output=[])
        elif current:
            current.output.append(line)
    if current:
        yield current


def beginning(words: list[str], table: dict[str, object]) -> str | None:
    """The entry of the table that the command begins with."""
    return next((key for key in table if words[: len(key.split())] == key.split()), None)


def matches(pattern: list[str], shown: list[str]) -> bool:
    """Whether the output is that of the document, with `...` for what it leaves out."""
    parts = [
        "(?:.*\n)*?"
        if line.strip() == "..."
        else ".*".join(map(re.escape, line.split("..."))) + "\n"
        for line in pattern
    ]
    return bool(re.fullmatch("".join(parts), "".join(f"{line}\n" for line in shown)))

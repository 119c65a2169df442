# SPDX-License-Identifier: Apache-2.0
"""What the documents say exists."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import TYPE_CHECKING

import pytest
from repository_files import REPOSITORY, package_files, project_files, shown

from kvmrt_plan.cli.arguments import build_parser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
#: Written in pieces, so that this file does not name them either.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
    )
]
#: Folders of the machines on which the project is written.
MACHINE_PATHS = re.compile("/(?:work|home)/[a-z]|/tmp/w" + r"[/-]|/root/\.")


def documents() -> list[Path]:
    return project_files(".md")


def headings(text: str) -> set[str]:
    """The anchors of a document's headings, as the usual viewers make them."""
    found = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}


def command_lines(text: str) -> Iterator[list[str]]:
    """Commands in fenced blocks; several on a line are several."""
    for block in re.findall(r"^```(?:sh|console)?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            for part in line.removeprefix("$ ").split("&&"):
                words = shlex.split(part, comments=True)
                if words:
                    yield words


def make_targets() -> set[str]:
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))


@pytest.mark.parametrize("document", documents(), ids=shown)
def test_every_link_leads_somewhere(document):
    text = document.read_text(encoding="utf-8")
    broken = []
    for link in LINK.findall(text):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        file, _, anchor = link.partition("#")
        target = document if not file else document.parent / file
        if not target.exists() or (
            anchor and anchor not in headings(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "examples/README.md"])
def test_every_command_of_a_document_exists(repository, document):
    commands = list(command_lines((repository / document).read_text(encoding="utf-8")))
    assert commands

    for words in commands:
        if words[0] == "make":
            assert set(words[1:]) <= make_targets(), words
        elif words[0] == "kvmrt":
            build_parser().parse_args(words[1:])
        elif words[0].startswith((".", "examples")):
            assert (repository / words[0]).exists(), words


def test_the_readme_has_the_two_commands(repository):
    commands = list(command_lines((repository / "README.md").read_text(encoding="utf-8")))

    assert ["make", "demo"] in commands
    assert ["make", "test"] in commands


def test_every_finding_is_explained(repository):
    used = {
        code
        for path in package_files()
        for code in re.findall(r"\bKR\d{3}\b", path.read_text(encoding="utf-8"))
    }
    text = (repository / "docs" / "findings.md").read_text(encoding="utf-8")
    explained = re.findall(r"^#+ (KR\d{3})\b", text, re.MULTILINE)

    assert sorted(used - set(explained)) == []
    assert sorted(explained) == sorted(set(explained))


def test_contributing_stays_short(repository):
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 150


def test_no_file_names_a_registry_or_a_path_of_one_machine():
    found = []
    for path in project_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{shown(path)}: {host}" for host in REGISTRY_HOSTS if host in text]
        found += [f"{shown(path)}: {place}" for place in MACHINE_PATHS.findall(text)]

    assert found == []


@pytest.mark.parametrize("name", ["build", "run", "dev"])
def test_every_requirement_is_pinned_with_hashes(repository, name):
    text = (repository / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z])", text.replace("\\\n", " "))
    unpinned = [
        entry.split()[0]
        for entry in entries
        if entry[0].isalpha()
        and not re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", entry)
    ]

    assert any(entry[0].isalpha() for entry in entries)
    assert unpinned == []


def test_every_dependency_is_used(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["libvirt"]]
    names = [re.match(r"[A-Za-z0-9.-]+", line)[0].lower() for line in declared]
    # The C parser of ruamel.yaml is a package of its own; its module is imported by ruamel.yaml.
    modules = {name.removesuffix("-python") for name in names} - {"ruamel.yaml.clib"}
    imported = {
        module
        for path in package_files()
        for module in re.findall(
            r"^\s*(?:from|import) ([a-z_.]+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }

    unused = {
        name
        for name in modules
        if not any(module == name or module.startswith(f"{name}.") for module in imported)
    }
    assert unused == set()

# SPDX-License-Identifier: Apache-2.0
"""House rules that no linter knows."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest
from repository_files import REPOSITORY, package_files, project_files, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_FILE = 300
LONGEST_FUNCTION = 60

#: They say nothing about what a thing is.
EMPTY_WORDS = {"util", "utils", "helper", "helpers", "manager", "handler", "data", "info", "misc",
               "common"}  # fmt: skip

#: Where input and output belong.
SHELL = (REPOSITORY / "kvmrt_plan" / "cli", REPOSITORY / "kvmrt_plan" / "hosts")


def package_trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in package_files():
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def words(name: str) -> set[str]:
    """The words of a snake_case or CamelCase name."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return set(spaced.lower().split("_"))


def defined_names(tree: ast.Module) -> Iterator[str]:
    """Functions, classes, and what is assigned to (fields included)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def test_the_package_is_there():
    assert len(package_files()) > 20


@pytest.mark.parametrize("path", project_files(".py"), ids=shown)
def test_every_source_names_its_licence_first(path):
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]

    assert first == "# SPDX-License-Identifier: Apache-2.0"


def test_every_module_says_what_it_decides():
    silent = [shown(path) for path, tree in package_trees() if not ast.get_docstring(tree)]

    assert silent == []


def test_no_file_of_the_package_is_long():
    lengths = {
        shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in package_files()
    }

    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_function_of_the_package_is_long():
    long = {
        f"{shown(path)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path, tree in package_trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    }

    assert long == {}


def test_no_name_is_an_empty_word():
    found = [
        f"{shown(path)}: {name}"
        for path, tree in package_trees()
        for name in (path.stem, *defined_names(tree))
        if words(name) & EMPTY_WORDS
    ]

    assert found == []


def test_the_core_neither_prints_nor_opens_files():
    found = [
        f"{shown(path)}:{node.lineno} {node.func.id}"
        for path, tree in package_trees()
        if not any(path.is_relative_to(folder) for folder in SHELL)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"print", "open", "input", "exec", "eval", "exit"}
    ]

    assert found == []


def test_open_ends_are_issues_and_not_comments():
    mark = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    found = [
        shown(path)
        for path in project_files(".py", ".md", ".sh", ".toml")
        if mark.search(path.read_text(encoding="utf-8"))
    ]

    # CONTRIBUTING may name what must not be written; nothing else does.
    assert [path for path in found if path != "CONTRIBUTING.md"] in ([], ["pyproject.toml"])

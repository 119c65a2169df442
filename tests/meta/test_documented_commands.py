# SPDX-License-Identifier: Apache-2.0
"""Every command in the documents is run on the example host, or, where the tables say why not, parsed.

What would be done to this machine is done to a copy of the example: a command that names no host gets `--host
host.json`, one without a configuration `-f kvmrt.yaml`, and one that asks `--yes`. Each page has a folder of
its own, in which its commands follow one another.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from documented_commands import (
    EXIT_CODES,
    FOREIGN,
    INSTEAD,
    LOOKS_ITSELF,
    PARSED,
    PARSED_PAGES,
    beginning,
    commands_of,
    matches,
)
from repository_files import REPOSITORY, project_files, shown

from kvmrt_plan.cli.arguments import COMMANDS, build_command_parser
from kvmrt_plan.cli.main import main

if TYPE_CHECKING:
    import argparse

    from documented_commands import Command

FOLDERS = {REPOSITORY, REPOSITORY / "docs", REPOSITORY / "examples"}
PAGES = [path for path in project_files(".md") if path.parent in FOLDERS and commands_of(path)]
ALL = [command for page in PAGES for command in commands_of(page)]
FOREIGN_COMMANDS = [one for one in ALL if one.words[0] != "kvmrt" and one.page not in PARSED_PAGES]
CONVERSIONS = ("from_nova_flavor", "from_kubevirt", "from_seapath")


def parse(words: list[str]) -> argparse.Namespace:
    """What a command of kvmrt asks for; the test fails where the parser refuses it."""
    assert words[1] in COMMANDS, f"kvmrt has no command {words[1]}"
    return build_command_parser(words[1]).parse_args(words[2:])


def on_the_example(words: list[str]) -> list[str]:
    """The arguments that are run in the place of a documented command."""
    asked = vars(parse(words))
    whole = " ".join(words)
    argv = INSTEAD[whole].split() if whole in INSTEAD else words[1:]
    if words[1] in LOOKS_ITSELF:
        return argv
    has_host = any(asked.get(name) for name in ("host", "root", "no_host", *CONVERSIONS))
    if "host" in asked and not has_host:
        argv += ["--host", "host.json"]
    # Never the default, which lies in /etc.
    if "file" in asked and asked["file"] is None:
        argv += ["-f", str(Path.cwd() / "kvmrt.yaml")]
    if asked.get("yes") is False:
        argv.append("--yes")
    return argv


def prepare(folder: Path) -> None:
    """What pages take for granted: a host, a configuration, a saved plan, two snapshots that differ."""
    for name in ("examples", "schemas"):
        shutil.copytree(REPOSITORY / name, folder / name)
    host = (folder / "examples" / "two-socket.json").read_text(encoding="utf-8")
    setting = '"/proc/sys/vm/stat_interval": "1'
    assert setting in host
    changed = host.replace(setting, f"{setting}0")
    for name, text in (("host.json", host), ("before.json", host), ("after.json", changed)):
        (folder / name).write_text(text, encoding="utf-8")
    for suffix in ("yaml", "cfg"):
        shutil.copy(folder / "examples" / f"two-socket.{suffix}", folder / f"kvmrt.{suffix}")
    plan = [
        "plan",
        "-f",
        folder / "kvmrt.yaml",
        "--host",
        folder / "host.json",
        "-o",
        folder / "plan.json",
    ]
    assert main([*map(str, plan)]) == 0


def without_redirection(words: list[str]) -> tuple[list[str], str | None]:
    """The command, and the file that its output goes to."""
    if ">" not in words:
        return words, None
    place = words.index(">")
    return words[:place], words[place + 1]


def run_kvmrt(command: Command, folder: Path, capsys) -> None:
    words, target = without_redirection(command.words)
    try:
        code = main(on_the_example(words))
    except SystemExit as error:
        code = error.code or 0
    printed = capsys.readouterr()
    expected = EXIT_CODES.get(" ".join(words), LOOKS_ITSELF.get(words[1], {0}))
    assert code in expected, f"{command}\nended with {code}:\n{printed.out}{printed.err}"
    if target:
        (folder / target).write_text(printed.out, encoding="utf-8")
    if command.output is not None:
        said = printed.out.splitlines()
        assert matches(command.output, said), f"{command}\nprinted:\n{printed.out}"


def is_only_parsed(command: Command) -> bool:
    return command.page in PARSED_PAGES or beginning(command.words, PARSED) is not None


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_the_commands_of_a_page_do_what_it_says(page, tmp_path, monkeypatch, capsys):
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    # As if it had been called by its name, which the unit of a service needs.
    monkeypatch.setattr(sys, "argv", [str(Path(sys.executable).parent / "kvmrt")])

    for command in commands_of(page):
        words = command.words
        if words[0] == "cp":
            shutil.copy(tmp_path / words[1], tmp_path / words[2])
        elif words[0] == "kvmrt" and is_only_parsed(command):
            parse(without_redirection(words)[0])
        elif words[0] == "kvmrt":
            run_kvmrt(command, tmp_path, capsys)


@pytest.mark.parametrize("command", FOREIGN_COMMANDS, ids=str)
def test_a_command_of_another_program_is_one_that_the_table_knows(command):
    words = command.words
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8").splitlines()

    assert words[0] in FOREIGN, f"add {words[0]} to FOREIGN of documented_commands.py, and why"
    if words[0] == "make":
        targets = {line.partition(":")[0] for line in makefile if line[:1].isalpha()}
        assert {word for word in words[1:] if "=" not in word} <= targets
    if "/" in words[0]:
        assert (REPOSITORY / words[0]).is_file()


def test_the_tables_name_nothing_that_no_document_has():
    texts = {" ".join(without_redirection(command.words)[0]) for command in ALL}

    assert set(PARSED_PAGES) <= {command.page for command in ALL}
    assert {*EXIT_CODES, *INSTEAD} <= texts
    assert set(PARSED) == {beginning(command.words, PARSED) for command in ALL} - {None}


def test_a_wrong_option_in_a_document_would_be_noticed(capsys):
    with pytest.raises(SystemExit):
        parse(["kvmrt", "plan", "--no-such-option"])
    assert "--no-such-option" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pattern", "said", "is_same"),
    [
        (["a", "..."], ["a", "b", "c"], True),
        (["run ...: done"], ["run 12: done"], True),
        (["a"], ["a", "b"], False),
        (["...", "b"], ["a"], False),
    ],
)
def test_output_in_a_document_may_leave_something_out_and_nothing_else(pattern, said, is_same):
    assert matches(pattern, said) is is_same

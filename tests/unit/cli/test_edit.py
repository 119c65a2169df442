# SPDX-License-Identifier: Apache-2.0
"""`kvmrt edit` at a terminal, with editors that are scripts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from terminal_run import run_at_terminal

from kvmrt_plan.domainxml.document import parse_domain, read_settings

if TYPE_CHECKING:
    from pathlib import Path

UUID = "6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c03"
TEXT = f"""\
# the field bus
[{UUID}]
name = gateway
title = Field bus gateway
nr_vcpus = 2
cpuset = 1-3    
numatune = 0
autostart = false
"""  # noqa: W291  a blank that must survive
PROMPT = "[a]pply, [e]dit again, [d]iscard? "


@pytest.fixture
def folder(tmp_path, repository) -> Path:
    shutil.copy(repository / "examples" / "two-socket.json", tmp_path / "host.json")
    (tmp_path / "kvmrt.cfg").write_text(TEXT)
    (tmp_path / "kvmrt.cfg").chmod(0o640)
    return tmp_path


def edit(folder: Path, editor: str, *typed: tuple[str, str]):
    return run_at_terminal(
        "edit", "-f", f"{folder}/kvmrt.cfg", "--host", f"{folder}/host.json",
        typed=list(typed), EDITOR=editor,
    )  # fmt: skip


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def copies(folder: Path) -> list[Path]:
    return sorted(folder.glob(".kvmrt.kvmrt-edit-*.cfg"))


def title_in_libvirt(folder: Path) -> str:
    domains = json.loads((folder / "host.json").read_text())["libvirt"]["domains"]
    xml = next(one["xml"] for one in domains if one["uuid"] == UUID)
    return read_settings(parse_domain(xml, domain="gateway"))["title"]


def test_a_valid_edit_is_written_and_libvirt_follows(folder):
    done = edit(folder, "sed -i s/Field/Plant/", (PROMPT, "a\n"))

    assert done.code == 0, done.shown
    assert '"Field bus gateway" -> "Plant bus gateway"' in done.shown
    assert (folder / "kvmrt.cfg").read_text() == TEXT.replace("Field", "Plant")
    assert (folder / "kvmrt.cfg").stat().st_mode & 0o777 == 0o640
    assert title_in_libvirt(folder) == "Plant bus gateway"
    assert names(folder) == ["host.json", "kvmrt.cfg"]


def test_the_copy_can_be_read_by_its_owner_alone(folder):
    log = folder / "log"
    done = edit(folder, f"sh -c 'stat -c %a \"$1\" > {log}' sh")

    assert done.code == 0
    assert log.read_text() == "600\n"


def test_an_edit_that_changes_nothing_asks_nothing(folder):
    done = edit(folder, "true")

    assert done.code == 0
    assert done.shown.endswith("kvmrt.cfg: not changed\n")
    assert names(folder) == ["host.json", "kvmrt.cfg"]


def test_a_discarded_edit_leaves_nothing_behind(folder):
    done = edit(folder, "sed -i s/Field/Plant/", (PROMPT, "x\n"), (PROMPT, "d\n"))

    assert done.code == 0
    assert (folder / "kvmrt.cfg").read_text() == TEXT
    assert title_in_libvirt(folder) == "Field bus gateway"
    assert names(folder) == ["host.json", "kvmrt.cfg"]


def test_an_invalid_text_cannot_be_applied_but_repaired(folder):
    editor = 'sh -c \'grep -q 4- "$1" && sed -i s/4-/1-4/ "$1" || sed -i s/1-3/4-/ "$1"\' sh'
    done = edit(folder, editor, ("[e]dit again, [d]iscard? ", "a\n"),
                ("[e]dit again, [d]iscard? ", "e\n"), (PROMPT, "a\n"))  # fmt: skip

    assert done.code == 0, done.shown
    assert "KR008" in done.shown
    assert (folder / "kvmrt.cfg").read_text() == TEXT.replace("1-3", "1-4")


def test_errors_of_rules_keep_the_text_from_the_file(folder):
    done = edit(folder, "sed -i s/1-3/1-300/", ("[e]dit again, [d]iscard? ", "d\n"))

    assert done.code == 0
    assert "[a]pply" not in done.shown
    assert (folder / "kvmrt.cfg").read_text() == TEXT


@pytest.mark.parametrize(
    ("end", "problem"), [("exit 3", "exit code 3"), ("kill -9 $$", "killed by signal 9")]
)
def test_an_editor_that_fails_costs_nothing(folder, end, problem):
    done = edit(folder, f"sh -c 'sed -i s/Field/Plant/ \"$1\"; {end}' sh")

    assert done.code == 1
    assert problem in " ".join(done.shown.split())
    assert (folder / "kvmrt.cfg").read_text() == TEXT
    (copy,) = copies(folder)
    assert copy.read_text() == TEXT.replace("Field", "Plant")
    assert copy.name in done.shown.replace("\n", "")


def test_an_editor_that_does_not_exist_leaves_no_copy(folder):
    done = edit(folder, "no-such-editor")

    assert done.code == 1
    assert "no-such-editor" in done.shown
    assert names(folder) == ["host.json", "kvmrt.cfg"]


def test_an_interrupt_at_the_question_keeps_the_text(folder):
    done = edit(folder, "sed -i s/Field/Plant/", (PROMPT, "\x03"))

    assert done.code == 130
    assert (folder / "kvmrt.cfg").read_text() == TEXT
    (copy,) = copies(folder)
    assert copy.read_text() == TEXT.replace("Field", "Plant")


def test_an_interrupt_in_the_editor_is_the_editors(folder):
    editor = 'sh -c \'trap "" INT; sed -i s/Field/Plant/ "$1"; echo ready; read line\' sh'
    done = edit(folder, editor, ("ready", "\x03\n"), (PROMPT, "d\n"))

    assert done.code == 0, done.shown
    assert names(folder) == ["host.json", "kvmrt.cfg"]


def test_a_file_that_someone_else_changed_is_not_overwritten(folder):
    other = f"echo '# by hand' >> {folder}/kvmrt.cfg"
    editor = f"sh -c 'sed -i s/Field/Plant/ \"$1\"; {other.replace(chr(39), chr(34))}' sh"
    done = edit(folder, editor, (PROMPT, "a\n"))

    assert done.code == 1
    assert "by someone else" in done.shown
    assert (folder / "kvmrt.cfg").read_text() == f"{TEXT}# by hand\n"
    assert copies(folder)[0].read_text() == TEXT.replace("Field", "Plant")
    assert title_in_libvirt(folder) == "Field bus gateway"


def test_without_a_terminal_there_is_nothing_to_edit_at(folder, repository):
    done = subprocess.run(
        [sys.executable, "-m", "kvmrt_plan", "edit", "-f", f"{folder}/kvmrt.cfg"],
        capture_output=True, text=True, cwd=repository, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "no terminal" in done.stderr
    assert names(folder) == ["host.json", "kvmrt.cfg"]

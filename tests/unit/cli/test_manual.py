# SPDX-License-Identifier: Apache-2.0
"""Manual pages and completion, made from the parser."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from kvmrt_plan.cli.arguments import COMMANDS
from kvmrt_plan.cli.main import main
from kvmrt_plan.cli.manual import manual_pages


def test_the_pages_are_what_the_parsers_say(repository):
    folder = repository / "docs" / "man"
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.1")}

    assert written == manual_pages(), "run `make man`"


def test_every_command_has_a_page():
    assert set(manual_pages()) == {"kvmrt.1", *(f"kvmrt-{name}.1" for name in COMMANDS)}


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff")
@pytest.mark.parametrize("name", sorted(manual_pages()))
def test_groff_has_no_complaint(name):
    ran = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", "-z"],
        input=manual_pages()[name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_completion_names_every_command_and_parses(shell, tmp_path, capsys):
    assert main(["completion", shell]) == 0

    text = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in text] == []
    if shutil.which(shell):
        script = tmp_path / "completion"
        script.write_text(text, encoding="utf-8")
        subprocess.run([shell, "-n", str(script)], check=True, timeout=60)


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_bash_offers_the_options_of_a_command(tmp_path, capsys):
    main(["completion", "bash"])
    script = tmp_path / "completion"
    script.write_text(capsys.readouterr().out, encoding="utf-8")
    program = (
        f"source {script}; COMP_WORDS=(kvmrt boot --pa); COMP_CWORD=2; "
        "$(complete -p kvmrt | sed 's/.*-F \\([^ ]*\\).*/\\1/') kvmrt --pa boot; "
        'echo "${COMPREPLY[@]}"'
    )

    ran = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert ran.stdout.split() == ["--parallel"]

# SPDX-License-Identifier: Apache-2.0
"""Plain command lines mean the same without argparse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmrt_plan.cli.arguments import COMMANDS, parse_command
from kvmrt_plan.cli.quick import QUICK_COMMANDS, parse_quickly
from kvmrt_plan.values.cpuset import CpuSet

WORDS = (
    "-c", "--cpus", "4-7", "4-", "", "--cpus=1,3", "-c=1", "-c1", "--rate", "0.5", "nan", "-1",
    "--rate=2", "--all", "--json", "--table", "--host", "h.json", "--root", "/", "--root=/",
    "--name", "kworker/*", "--movable", "--kernel", "--user", "--cgroup", "--who-disturbs",
    "--who-disturbs=2", "-f", "--file", "a.cfg", "--", "--help", "--mov", "--json=1", "stray",
)  # fmt: skip


def test_quick_commands_exist() -> None:
    assert set(COMMANDS) >= QUICK_COMMANDS


@given(
    command=st.sampled_from(sorted(QUICK_COMMANDS)),
    argv=st.lists(st.sampled_from(WORDS), max_size=5),
)
def test_what_is_understood_is_understood_as_argparse_does(command: str, argv: list[str]) -> None:
    quick = parse_quickly(command, argv)
    if quick is not None:
        assert vars(quick) == vars(parse_command(command, argv))


@pytest.mark.parametrize(
    ("command", "argv", "expected"),
    [
        ("topology", [], {"file": None, "table": False}),
        ("topology", ["--table", "--root", "/"], {"table": True, "root": "/"}),
        ("irqs", ["-c", "2,4-5", "--rate=0.5"], {"cpus": CpuSet((2, 4, 5)), "rate": 0.5}),
        ("tasks", ["--name", "irq/*", "--kernel"], {"name": "irq/*", "kernel": True}),
    ],
)
def test_plain_command_lines_need_no_argparse(
    command: str, argv: list[str], expected: dict[str, object]
) -> None:
    quick = parse_quickly(command, argv)
    assert quick is not None
    found = vars(quick)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("plan", []),
        ("irqs", ["--help"]),
        ("irqs", ["-c", "4-"]),
        ("irqs", ["--rate", "0"]),
        ("irqs", ["--host", "a", "--root", "b"]),
        ("tasks", ["--kernel", "--user"]),
        ("tasks", ["--name"]),
        ("topology", ["--json", "--table"]),
        ("topology", ["stray"]),
    ],
)
def test_argparse_has_the_word_about_everything_else(command: str, argv: list[str]) -> None:
    assert parse_quickly(command, argv) is None

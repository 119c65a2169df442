# SPDX-License-Identifier: Apache-2.0
"""`kvmrt top` at a terminal of its own: keys, a resize, and the end; and what it counts."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pyte
import pytest
from facts_builders import make_configuration, make_host, make_vm
from map_hosts import example
from repository_files import REPOSITORY

from kvmrt_plan.cli.top import quiet_cpus
from kvmrt_plan.facts.activity import parse_totals, per_second
from kvmrt_plan.placement.place import place
from kvmrt_plan.values.cpuset import CpuSet
from kvmrt_plan.views.map_drawn import draw
from kvmrt_plan.views.terminal import Painter
from kvmrt_plan.views.top import Rates, deviation_lines, rate_lines

CONFIGURATION = """\
vms:
  watched:
    uuid: 6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c77
    nr_vcpus: 1
    cpuset: "0"
"""
SECONDS = 60


class Terminal:
    """kvmrt top on a terminal that pyte imitates."""

    def __init__(self, configuration, columns: int, rows: int) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.child, self.file = pty.fork()
        if not self.child:
            os.chdir(REPOSITORY)
            environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm",
                           "PYTHONUTF8": "1"}  # fmt: skip
            argv = [sys.executable, "-m", "kvmrt_plan", "top", "-f", str(configuration)]
            os.execvpe(sys.executable, argv, environment)
        self._set_size(columns, rows)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)

    def wait_for(self, text: str) -> None:
        """Reads until the screen shows the text; fails after a minute."""
        deadline = time.monotonic() + SECONDS
        while not any(text in line for line in self.screen.display):
            assert time.monotonic() < deadline, "\n".join(self.screen.display)
            self.read()

    def read(self) -> bool:
        """Whether there is more to come."""
        if not select.select([self.file], [], [], 1)[0]:
            return True
        try:
            part = os.read(self.file, 65536)
        except OSError:
            return False
        self.raw += part
        self._stream.feed(part)
        return bool(part)

    def type(self, keys: str) -> None:
        os.write(self.file, keys.encode())

    def end(self) -> int:
        deadline = time.monotonic() + SECONDS
        while self.read():
            assert time.monotonic() < deadline
        os.close(self.file)
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])


@pytest.fixture
def configuration(tmp_path):
    file = tmp_path / "kvmrt.yaml"
    file.write_text(CONFIGURATION, encoding="utf-8")
    return file


def test_keys_and_a_resize_are_answered_and_the_terminal_is_given_back(configuration):
    terminal = Terminal(configuration, 100, 40)
    terminal.wait_for("IRQ/s")
    terminal.wait_for("q ends")
    terminal.type(" ")
    terminal.wait_for("paused")
    terminal.type("r")
    terminal.resize(60, 6)
    terminal.wait_for("more line")
    assert max(len(line.rstrip()) for line in terminal.screen.display) <= 60
    terminal.resize(160, 50)
    terminal.wait_for("IRQ/s")
    terminal.type("q")

    assert terminal.end() == 0
    assert terminal.raw.startswith(b"\x1b[?1049h")
    assert b"\x1b[?25h\x1b[?1049l" in terminal.raw[-40:]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_gives_the_terminal_back(configuration, number):
    terminal = Terminal(configuration, 80, 24)
    terminal.wait_for("q ends")
    os.kill(terminal.child, number)

    assert terminal.end() == 0
    assert b"\x1b[?25h\x1b[?1049l" in terminal.raw[-40:]


def test_it_needs_a_terminal(repository):
    ran = subprocess.run(
        [sys.executable, "-m", "kvmrt_plan", "top"],
        cwd=repository,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 1
    assert "kvmrt top needs a terminal" in ran.stderr


def test_only_the_columns_that_are_asked_for_are_summed():
    text = (
        "      CPU0   CPU1   CPU3\n"
        "  0:     1      2      3   IO-APIC   2-edge      timer\n"
        "LOC:    10     20     30   Local timer interrupts\n"
        "ERR:     7\n"
    )

    assert parse_totals(text, CpuSet((1, 2, 3))) == {1: 22, 3: 33}


def test_counts_that_begin_again_make_no_negative_rate():
    assert per_second({1: 2**32 - 5}, {1: 5, 2: 1}, 2.0) == {1: 5.0}


def test_rates_stand_beside_their_cpu_and_what_is_unknown_is_a_dash():
    host = example().whole[0]
    rates = Rates(interrupts={5: 250.4}, softirqs={5: 3.0}, switches={})

    lines = rate_lines(host, rates, 80, Painter(is_coloured=False))

    assert any(f"{5:>4} Be    {250:>8}{3:>8}{'-':>9}" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_deviations_are_told_in_red():
    lines = deviation_lines(example().whole[0], 80, Painter(is_coloured=True))

    assert lines[0].startswith("\x1b[1;31m! CPU 5: work of init.scope may run here;")


@pytest.mark.parametrize(("other", "quiet"), [("2", "0,3"), ("0,2-3", "0,2-3")])
def test_it_watches_from_housekeeping_cpus_and_never_from_those_of_an_rt_vm(other, quiet):
    host = make_host(cores=4)
    vms = make_vm(1, "rt", "1", rt=True), make_vm(2, "other", other)

    drawn = draw(host, place(make_configuration(*vms), host)).whole[0]

    assert str(quiet_cpus(drawn)) == quiet

# SPDX-License-Identifier: Apache-2.0
"""`kvmrt top` at a terminal of its own: keys, a resize, and the end; and what it counts."""

from __future__ import annotations

import argparse
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

from kvmrt_plan.cli.sight import Sight, problem_of
from kvmrt_plan.cli.top import quiet_cpus
from kvmrt_plan.facts.activity import parse_totals, per_second
from kvmrt_plan.hosts.switches import SwitchCounter
from kvmrt_plan.placement.place import place
from kvmrt_plan.values.cpuset import CpuSet
from kvmrt_plan.views.map_drawn import draw
from kvmrt_plan.views.terminal import Painter
from kvmrt_plan.views.top import Rates, deviation_lines, head_lines, rate_lines

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

    def wait_for(self, text: str, *, is_gone: bool = False) -> None:
        """Reads until the screen shows the text, or no more; fails after a minute."""
        deadline = time.monotonic() + SECONDS
        while any(text in line for line in self.screen.display) is is_gone:
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


def test_a_configuration_that_gets_errors_is_told_in_the_head_and_seen_when_mended(configuration):
    terminal = Terminal(configuration, 120, 40)
    terminal.wait_for("IRQ/s")
    configuration.write_text(CONFIGURATION.replace('"0"', '"0,4000"'), encoding="utf-8")
    terminal.type("r")
    terminal.wait_for("The configuration has 1 error, so that nothing is compared")
    configuration.write_text("vms: [", encoding="utf-8")
    terminal.type("r")
    terminal.wait_for("shown as it was before")
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    terminal.type("r")
    terminal.wait_for("shown as it was", is_gone=True)
    terminal.type("q")

    assert terminal.end() == 0
    assert b"\x1b[1;31mThe configuration has 1 error" in terminal.raw


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


def test_a_problem_is_told_in_red_below_the_note():
    host = example().whole[0]

    lines = head_lines(host, ("paused", "broken \x1b[2J"), 80, Painter(is_coloured=True))

    assert lines[-2:] == ["\x1b[2mpaused\x1b[0m", "\x1b[1;31mbroken \\x1b[2J\x1b[0m"]


def test_it_looks_again_once_something_has_changed_or_a_minute_is_over(configuration, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("kvmrt_plan.cli.sight.time.monotonic", lambda: now[0])
    monkeypatch.setattr("kvmrt_plan.cli.sight.time.process_time", lambda: now[0] / 10)
    arguments = argparse.Namespace(
        file=str(configuration),
        host=None,
        root=None,
        vms=(),
        before_after=False,
        connect="test:///default",
    )
    sight = Sight(arguments)
    assert not sight.is_due()
    os.utime(configuration, ns=(1, 1))
    # Not before the next second: the first look took no time.
    assert not sight.is_due()
    now[0] += 1
    assert sight.is_due()
    sight.renew()
    now[0] += 59
    assert not sight.is_due()
    now[0] += 2
    assert sight.is_due()


def test_only_errors_keep_the_host_from_being_compared():
    assert problem_of(example().findings) == ""


def test_a_cpu_that_comes_later_is_counted_and_one_that_goes_is_not():
    cpus = sorted(os.sched_getaffinity(0))
    counter = SwitchCounter(())
    assert counter.read() == {}
    try:
        counter.watch(cpus[:1])
        if counter.problem:
            pytest.skip(counter.problem)
        first = counter.read()
        os.sched_yield()
        time.sleep(0.01)
        counter.watch(cpus)
        later = counter.read()
        assert sorted(later) == cpus
        assert later[cpus[0]] >= first[cpus[0]]
        counter.watch(cpus[1:])
        assert sorted(counter.read()) == cpus[1:]
    finally:
        counter.close()
    assert counter.read() == {}

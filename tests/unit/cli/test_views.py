# SPDX-License-Identifier: Apache-2.0
"""The views as commands: what comes and goes while they read, and what does not go together."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kvmrt_plan.cli.irqs import _without_vanished
from kvmrt_plan.cli.main import main
from kvmrt_plan.facts.irq import Irq
from kvmrt_plan.facts.texts import PartialTexts
from kvmrt_plan.hosts.tasks import read_tasks

#: Threads that begin and end all the time.
CHURN = """
import threading, time
end = time.monotonic() + 20
while time.monotonic() < end:
    threads = [threading.Thread(target=time.sleep, args=(0.001,)) for _ in range(20)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def test_an_interrupt_that_vanished_is_left_out_and_one_that_cannot_be_read_stays() -> None:
    irqs = {
        number: Irq(number=number, actions=("x",), affinity=None) for number in (999_998, 999_999)
    }
    texts = PartialTexts({}, {}, {"/proc/irq/999999/smp_affinity_list": "EACCES"})
    assert list(_without_vanished(irqs, texts)) == [999_999]


@pytest.mark.parametrize(
    ("cpus", "said"),
    [
        ("99", "no interrupt may go to CPUs 99; 99 not online, or not there\n"),
        ("3", "no interrupt may go to CPUs 3; 3 not online, or not there\n"),
        ("2", "no interrupt may go to CPUs 2\n"),
    ],
)
def test_an_empty_table_of_interrupts_says_why(tmp_path, capsys, cpus, said) -> None:
    folder = tmp_path / "proc/irq/24"
    folder.mkdir(parents=True)
    (folder / "smp_affinity_list").write_text("0-1\n")
    table = "     CPU0  CPU1  CPU2\n 24:  5  0  0  PCI-MSI 81920-edge  ahci\n"
    (tmp_path / "proc/interrupts").write_text(table)

    assert main(["irqs", "-c", cpus, "--root", str(tmp_path)]) == 0

    assert capsys.readouterr().out == said


def test_threads_that_end_while_they_are_read_are_left_out() -> None:
    with subprocess.Popen([sys.executable, "-c", CHURN]) as process:
        try:
            for _ in range(10):
                found = list(read_tasks(with_cgroups=True))
                assert any(task.pid == process.pid for task in found)
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("irqs", "--rate", "1", "--root", "/"), "only this machine's interrupts can be watched"),
        (("tasks", "--who-disturbs", "60000"), "the host has no CPU 60000"),
        (("topology", "--root", "/nowhere"), "neither a folder sys nor a folder proc"),
    ],
)
def test_what_cannot_be_is_an_error(
    argv: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 1
    assert said in " ".join(capsys.readouterr().err.split())

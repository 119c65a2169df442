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

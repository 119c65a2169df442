# SPDX-License-Identifier: Apache-2.0
"""The socket of a real irqbalance: what it answers, and when it believes what it is told.

The daemon runs for a moment on this machine, as root, and is ended by its number.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.irqbalance import parse_answer
from kvmrt_plan.hosts.irqbalance import read_answer, write_ban
from kvmrt_plan.values.cpuset import CpuSet

_FOLDER = Path("/run/irqbalance")
_START_SECONDS = 10
_BANNED_IRQS = 1024

pytestmark = pytest.mark.skipif(
    shutil.which("irqbalance") is None or os.geteuid() != 0,
    reason="needs irqbalance and root",
)


@pytest.fixture
def balancer():
    """A daemon that moves nothing: every interrupt is banned."""
    if _FOLDER.exists():
        pytest.skip("an irqbalance of this machine's own may be running")
    _FOLDER.mkdir()
    bans = [f"--banirq={number}" for number in range(_BANNED_IRQS)]
    process = subprocess.Popen(["irqbalance", "--foreground", "--interval=1", *bans])
    try:
        limit = time.monotonic() + _START_SECONDS
        while read_answer() is None and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.05)
        if process.poll() is not None:
            pytest.skip("irqbalance ends at once on this machine")
        yield process
    finally:
        process.terminate()
        process.wait(timeout=10)
        shutil.rmtree(_FOLDER)


def test_it_leaves_alone_what_it_is_told_and_says_so(balancer):
    told = CpuSet.parse("1,5-6")
    write_ban(told)
    answer = read_answer()
    write_ban(CpuSet())
    after = read_answer()

    assert answer is not None
    assert after is not None
    path = f"/run/irqbalance/irqbalance{balancer.pid}.sock"
    assert (answer[0], parse_answer(answer[1])) == (path, told)
    assert parse_answer(after[1]) == CpuSet()


def test_a_daemon_that_is_gone_is_refused(balancer):
    balancer.kill()
    balancer.wait(timeout=10)

    assert read_answer() is None
    with pytest.raises(WriteRefusedError, match="no irqbalance listens"):
        write_ban(CpuSet.parse("1"))

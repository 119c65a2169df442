# SPDX-License-Identifier: Apache-2.0
"""What a run leaves in the list of held values when others have written meanwhile."""

from __future__ import annotations

import pytest

from kvmrt_plan.apply.held import read_held, settle_held
from kvmrt_plan.apply.journal import Header, Record
from kvmrt_plan.apply.step import Outcome, Step
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.facts.held import HeldValue
from kvmrt_plan.hosts.state import FolderStore

BOOT = "6f0e"
HOLDER = "6c0a1b3e-7d44-4a0e-8f3b-2f9d1c5e7a10"
#: A queue of virtio_net before CPU 5 went offline, and as its driver had it when the CPU was back.
QUEUE = Step(1, Kind.IRQ_AFFINITY, "irq/47", "2-3", "0-1")
SPREAD = Step(1, Kind.IRQ_AFFINITY, "irq/47", "2,4", "0-1")
CPU = Step(2, Kind.CPU_ONLINE, "cpu/5", "online", "offline")


@pytest.fixture
def settle(tmp_path):
    """Settles runs of these steps, all done, and returns what is held then."""
    store = FolderStore(str(tmp_path / "run"))
    numbers = iter(range(100))

    def run(*steps):
        header = Header(
            id=f"run-{next(numbers)}", purpose="apply", plan_digest="0" * 64, host="lab",
            boot_id=BOOT, user="tester", started="2026-11-28T12:00:00Z", holders=(HOLDER,),
        )  # fmt: skip
        outcomes = {step.number: Outcome.DONE for step in steps}
        settle_held(
            store, Record(header=header, begun=list(steps), outcomes=outcomes), boot_id=BOOT
        )
        return dict(read_held(store, boot_id=BOOT).values)

    return run


def test_what_a_driver_made_of_its_queues_when_somebody_switched_a_cpu_is_nobodys_wish(settle):
    first = settle(QUEUE, CPU)

    assert settle(SPREAD, CPU) == first == {
        "cpu/5": HeldValue(original="online", written="offline"),
        "irq/47": HeldValue(original="2-3", written="0-1"),
    }  # fmt: skip


def test_an_affinity_that_somebody_wrote_comes_back_when_nobody_needs_the_cpus(settle):
    settle(QUEUE, CPU)

    assert settle(SPREAD)["irq/47"] == HeldValue(original="2,4", written="0-1")


def test_a_value_that_no_driver_spreads_is_somebodys_wish_whatever_was_switched(settle):
    limit = Step(3, Kind.SYSCTL, "sysctl/vm.stat_interval", "1", "3600")
    settle(limit, CPU)

    held = settle(Step(3, Kind.SYSCTL, "sysctl/vm.stat_interval", "5", "3600"), CPU)

    assert held["sysctl/vm.stat_interval"] == HeldValue(original="5", written="3600")

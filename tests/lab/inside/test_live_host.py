# SPDX-License-Identifier: Apache-2.0
"""A real kernel and a real systemd keep the contract that the simulated host is built on."""

from __future__ import annotations

import os
import time

import pytest
from contract.kernel_contract import BEHAVIOURS, make_probe
from contract.thread_contract import PARTITION_BEHAVIOURS, THREAD_BEHAVIOURS
from contract.unit_contract import UNIT_BEHAVIOURS

needs_systemd = pytest.mark.skipif(
    not os.path.isdir("/run/systemd/system"), reason="the lab was booted without systemd"
)


#: The controller asks the disk again who it is: a few admin commands.
RESCAN = "/sys/class/nvme/nvme0/rescan_controller"


def counts() -> list[str]:
    """How often the controller's interrupt for admin commands has fired, by CPU."""
    with open("/proc/interrupts") as file:
        return next(line for line in file if line.endswith("nvme0q0\n")).split()[1:-3]


@pytest.fixture
def probe(live_host):
    def fire():
        for _ in range(2):
            before = counts()
            live_host.write(RESCAN, "1")
            # A worker of the kernel's sends the commands.
            deadline = time.monotonic() + 20
            while counts() == before and time.monotonic() < deadline:
                time.sleep(0.05)

    return make_probe(live_host, fire=fire)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_the_kernel_behaves_as_the_simulated_one(probe, name):
    BEHAVIOURS[name](probe)


@needs_systemd
@pytest.mark.parametrize("name", UNIT_BEHAVIOURS)
def test_systemd_behaves_as_the_simulated_one(probe, name):
    UNIT_BEHAVIOURS[name](probe)


@pytest.mark.parametrize("name", THREAD_BEHAVIOURS)
def test_the_kernels_threads_behave_as_the_simulated_ones(probe, name):
    THREAD_BEHAVIOURS[name](probe)


@needs_systemd
@pytest.mark.parametrize("name", PARTITION_BEHAVIOURS)
def test_threads_in_a_partition_behave_as_the_simulated_ones(probe, name):
    PARTITION_BEHAVIOURS[name](probe)

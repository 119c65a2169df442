# SPDX-License-Identifier: Apache-2.0
"""The simulated host keeps the contract that a real kernel keeps in the lab (tests/lab/inside)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from contract.kernel_contract import BEHAVIOURS, make_probe
from contract.thread_contract import PARTITION_BEHAVIOURS, THREAD_BEHAVIOURS
from contract.unit_contract import UNIT_BEHAVIOURS

from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.hosts.simulated.host import SimulatedHost

#: `kvmrt snapshot` in the lab, with systemd and before anything was changed.
SNAPSHOT = Path(__file__).with_name("lab-host.json")


#: What that snapshot did not capture yet, as that machine had it.
KNOBS = {
    "/sys/kernel/mm/ksm/run": "0\n",
    "/proc/sys/vm/stat_interval": "1\n",
    **{
        f"/sys/devices/system/cpu/cpu{cpu}/power/pm_qos_resume_latency_us": "0\n"
        for cpu in range(8)
    },
}


@pytest.fixture
def probe():
    snapshot = load_snapshot(SNAPSHOT.read_bytes(), file=SNAPSHOT.name)
    return make_probe(SimulatedHost(replace(snapshot, files={**KNOBS, **snapshot.files})))


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_the_simulated_kernel_behaves_as_the_real_one(probe, name):
    BEHAVIOURS[name](probe)


@pytest.mark.parametrize("name", UNIT_BEHAVIOURS)
def test_the_simulated_systemd_behaves_as_the_real_one(probe, name):
    UNIT_BEHAVIOURS[name](probe)


@pytest.mark.parametrize("name", [*THREAD_BEHAVIOURS, *PARTITION_BEHAVIOURS])
def test_the_simulated_threads_behave_as_the_real_ones(probe, name):
    (THREAD_BEHAVIOURS | PARTITION_BEHAVIOURS)[name](probe)

# SPDX-License-Identifier: Apache-2.0
"""The simulated host keeps the contract that a real kernel keeps in the lab (tests/lab/inside)."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract.kernel_contract import BEHAVIOURS, make_probe
from contract.unit_contract import UNIT_BEHAVIOURS

from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.hosts.simulated.host import SimulatedHost

#: `kvmrt snapshot` in the lab, with systemd and before anything was changed.
SNAPSHOT = Path(__file__).with_name("lab-host.json")


@pytest.fixture
def probe():
    return make_probe(SimulatedHost(load_snapshot(SNAPSHOT.read_bytes(), file=SNAPSHOT.name)))


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_the_simulated_kernel_behaves_as_the_real_one(probe, name):
    BEHAVIOURS[name](probe)


@pytest.mark.parametrize("name", UNIT_BEHAVIOURS)
def test_the_simulated_systemd_behaves_as_the_real_one(probe, name):
    UNIT_BEHAVIOURS[name](probe)

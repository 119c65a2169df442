# SPDX-License-Identifier: Apache-2.0
"""What kvmrt expects of systemd's units; see kernel_contract.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.kernel_contract import CGROUPS, UNIT, offline

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.kernel_contract import Probe

#: By name: what `behaviour` has collected.
UNIT_BEHAVIOURS: dict[str, Callable[[Probe], None]] = {}

ALLOWED = f"{CGROUPS}/{UNIT}/cpuset.cpus"
EFFECTIVE = f"{ALLOWED}.effective"


def behaviour(function: Callable[[Probe], None]) -> Callable[[Probe], None]:
    """Make the function part of the contract."""
    UNIT_BEHAVIOURS[function.__name__] = function
    return function


@behaviour
def a_unit_shows_the_cpus_it_was_given(probe: Probe) -> None:
    probe.host.set_allowed_cpus(UNIT, CpuSet((0, 1)))
    assert (probe.read(ALLOWED), probe.read(EFFECTIVE)) == ("0-1", "0-1")
    probe.host.set_allowed_cpus(UNIT, probe.online)
    assert (probe.read(ALLOWED), probe.read(EFFECTIVE)) == (str(probe.online), str(probe.online))


@behaviour
def a_unit_that_is_not_there_is_refused(probe: Probe) -> None:
    with pytest.raises(WriteRefusedError):
        probe.host.set_allowed_cpus("kvmrt-nowhere.service", CpuSet((0,)))


@behaviour
def an_offline_cpu_leaves_what_a_unit_may_use_but_not_what_it_was_given(probe: Probe) -> None:
    given = CpuSet((probe.cpu, probe.sibling))
    probe.host.set_allowed_cpus(UNIT, given)
    with offline(probe):
        assert probe.cpus(ALLOWED) == given
        assert probe.cpus(EFFECTIVE) == CpuSet((probe.sibling,))
        assert probe.cpus(f"{CGROUPS}/cpuset.cpus.effective") == probe.online - CpuSet((probe.cpu,))
    assert probe.cpus(EFFECTIVE) == given
    probe.host.set_allowed_cpus(UNIT, probe.online)
    assert probe.cpus(f"{CGROUPS}/cpuset.cpus.effective") == probe.online

# SPDX-License-Identifier: Apache-2.0
"""What kvmrt expects of systemd's units; see kernel_contract.py."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from contract.kernel_contract import CGROUPS, UNIT, offline

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.slices import parse_slices
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contract.kernel_contract import Probe

#: By name: what `behaviour` has collected.
UNIT_BEHAVIOURS: dict[str, Callable[[Probe], None]] = {}

ALLOWED = f"{CGROUPS}/{UNIT}/cpuset.cpus"
EFFECTIVE = f"{ALLOWED}.effective"
MEMORY = f"{CGROUPS}/{UNIT}/cpuset.mems"


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
def a_unit_shows_the_memory_nodes_it_was_given(probe: Probe) -> None:
    everything = probe.read(f"{CGROUPS}/cpuset.mems.effective")
    probe.host.set_allowed_nodes(UNIT, CpuSet((0,)))
    assert (probe.read(MEMORY), probe.read(f"{MEMORY}.effective")) == ("0", "0")
    probe.host.set_allowed_nodes(UNIT, CpuSet.parse(everything))
    assert (probe.read(MEMORY), probe.read(f"{MEMORY}.effective")) == (everything, everything)


@behaviour
def memory_nodes_that_are_not_there_are_taken_and_not_applied(probe: Probe) -> None:
    probe.host.set_allowed_nodes(UNIT, CpuSet((0,)))
    probe.host.set_allowed_nodes(UNIT, CpuSet((0, 7)))
    assert (probe.read(MEMORY), probe.read(f"{MEMORY}.effective")) == ("0", "0")
    probe.host.set_allowed_nodes(UNIT, CpuSet.parse(probe.read(f"{CGROUPS}/cpuset.mems.effective")))


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


SLICE = "kvmrt00000000000000000000000000000001.slice"
OWN = f"{CGROUPS}/{SLICE}/cpuset.cpus"
PARTITION = f"{OWN}.partition"
ROOT = f"{CGROUPS}/cpuset.cpus.effective"


@contextmanager
def own_slice(probe: Probe, cpus: CpuSet) -> Iterator[None]:
    """A slice with these CPUs in the body, and a unit beside it that has all but those of the core."""
    probe.host.set_allowed_cpus(UNIT, probe.online - core(probe))
    probe.host.make_slice(SLICE, cpus)
    try:
        yield
    finally:
        probe.host.write(PARTITION, "member")
        probe.host.remove_slice(SLICE)
        probe.host.set_allowed_cpus(UNIT, probe.online)


def core(probe: Probe) -> CpuSet:
    """Both CPUs of a core."""
    return CpuSet((probe.cpu, probe.sibling))


@behaviour
def a_slice_comes_with_its_cpus_and_goes_without_a_trace(probe: Probe) -> None:
    with own_slice(probe, core(probe)):
        assert probe.cpus(OWN) == core(probe)
        assert probe.read(PARTITION) == "member"
    assert probe.read(OWN) is None
    assert [one.name for one in parse_slices(probe.host.capture()).slices if one.is_of_a_vm] == []


@behaviour
def a_kernel_with_isolated_partitions_is_known(probe: Probe) -> None:
    assert parse_slices(probe.host.capture()).has_partitions


@behaviour
def an_isolated_partition_takes_its_cpus_from_the_root_and_gives_them_back(probe: Probe) -> None:
    with own_slice(probe, core(probe)):
        probe.host.write(PARTITION, "isolated")
        assert probe.read(PARTITION) == "isolated"
        assert probe.cpus(ROOT) == probe.online - core(probe)
        assert probe.cpus(f"{OWN}.effective") == core(probe)
        probe.host.write(PARTITION, "member")
        assert probe.read(PARTITION) == "member"
        assert probe.cpus(ROOT) == probe.online


@behaviour
def a_partition_grows_and_shrinks_in_place(probe: Probe) -> None:
    with own_slice(probe, CpuSet((probe.cpu,))):
        probe.host.write(PARTITION, "isolated")
        probe.host.make_slice(SLICE, core(probe))
        assert probe.read(PARTITION) == "isolated"
        assert probe.cpus(ROOT) == probe.online - core(probe)
        probe.host.make_slice(SLICE, CpuSet((probe.cpu,)))
        assert probe.read(PARTITION) == "isolated"
        assert probe.cpus(ROOT) == probe.online - CpuSet((probe.cpu,))


@behaviour
def a_unit_that_names_a_cpu_makes_a_partition_invalid_until_it_is_made_anew(probe: Probe) -> None:
    invalid = "isolated invalid (Cpu list in cpuset.cpus not exclusive)"
    with own_slice(probe, core(probe)):
        probe.host.write(PARTITION, "isolated")
        assert probe.read(PARTITION) == "isolated"
        probe.host.set_allowed_cpus(UNIT, probe.online)
        assert probe.read(PARTITION) == invalid
        assert probe.cpus(ROOT) == probe.online
        probe.host.set_allowed_cpus(UNIT, probe.online - core(probe))
        probe.host.write(PARTITION, "isolated")
        assert probe.read(PARTITION) == invalid
        probe.host.write(PARTITION, "member")
        probe.host.write(PARTITION, "isolated")
        assert probe.read(PARTITION) == "isolated"


@behaviour
def a_word_that_is_no_partition_is_refused(probe: Probe) -> None:
    with own_slice(probe, core(probe)):
        assert probe.refusal(PARTITION, "exclusive") == "EINVAL"


@behaviour
def a_partition_outlives_a_cpu_of_it_that_goes_and_comes_back(probe: Probe) -> None:
    with own_slice(probe, core(probe)):
        probe.host.write(PARTITION, "isolated")
        with offline(probe):
            assert probe.read(PARTITION) == "isolated"
            assert probe.cpus(f"{OWN}.effective") == CpuSet((probe.sibling,))
        assert probe.read(PARTITION) == "isolated"
        assert probe.cpus(ROOT) == probe.online - core(probe)


@behaviour
def a_partition_without_tasks_outlives_all_its_cpus(probe: Probe) -> None:
    with own_slice(probe, CpuSet((probe.cpu,))):
        probe.host.write(PARTITION, "isolated")
        with offline(probe):
            assert probe.read(PARTITION) == "isolated"
            assert probe.read(f"{OWN}.effective") == ""
        assert probe.read(PARTITION) == "isolated"
        assert probe.cpus(ROOT) == probe.online - CpuSet((probe.cpu,))


@behaviour
def a_unit_may_not_be_left_without_the_cpus_of_others(probe: Probe) -> None:
    """The last CPU of the root stays: a partition of all is none."""
    probe.host.set_allowed_cpus(UNIT, CpuSet((0,)))
    probe.host.make_slice(SLICE, probe.online)
    try:
        probe.host.write(PARTITION, "isolated")
        assert (probe.read(PARTITION) or "").startswith("isolated invalid (")
        assert probe.cpus(ROOT) == probe.online
    finally:
        probe.host.write(PARTITION, "member")
        probe.host.remove_slice(SLICE)
        probe.host.set_allowed_cpus(UNIT, probe.online)

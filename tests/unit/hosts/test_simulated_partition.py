# SPDX-License-Identifier: Apache-2.0
"""Partitions of the simulated host whose CPUs have all gone; as Linux 6.1 was seen to do it."""

from __future__ import annotations

import pytest

from kvmrt_plan.hosts.simulated.cpusets import settle
from kvmrt_plan.values.cpuset import CpuSet

OWN = "/sys/fs/cgroup/kvmrt1.slice/cpuset.cpus"


@pytest.mark.parametrize(
    ("cgroup", "word"),
    [
        ("0::/kvmrt1.slice/vm.scope/libvirt\n", "isolated invalid (No cpu available due to hotplug)"),
        ("0::/machine.slice/vm.scope/libvirt\n", "isolated"),
    ],
    ids=["a guest runs in it", "nobody does"],
)  # fmt: skip
def test_a_partition_without_cpus_is_invalid_where_tasks_are_in_it(cgroup, word):
    files = {OWN: "4-5\n", f"{OWN}.partition": "isolated\n", "/proc/700/cgroup": cgroup}

    assert dict(settle(files, CpuSet((0, 1)))) == {f"{OWN}.partition": f"{word}\n"}


def test_it_is_one_again_with_the_first_of_its_cpus():
    invalid = "isolated invalid (No cpu available due to hotplug)\n"
    files = {OWN: "4-5\n", f"{OWN}.partition": invalid, "/proc/700/cgroup": "0::/kvmrt1.slice\n"}

    assert dict(settle(files, CpuSet((0, 1, 4)), again=None)) == {f"{OWN}.partition": "isolated\n"}

# SPDX-License-Identifier: Apache-2.0
"""Which units the task shield confines."""

from __future__ import annotations

from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.changes.partitions import Partitions
from kvmrt_plan.changes.slices import slice_changes
from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.placement.place import place
from kvmrt_plan.values.cpuset import CpuSet

CONFIGURATION = b"""\
vms:
  rt1: {uuid: 5b1f0c1e-52c5-4f2a-9a5e-6b5c1d0a7e01, nr_vcpus: 1, cpuset: "4,6", rt: true}
"""


def addresses(host, configuration):
    facts = gather_facts(host.capture())
    placement = place(configuration, facts, named=("rt1",))
    masks = Masks(facts, placement)
    backend = ShieldBackend.ALLOWED_CPUS
    found = slice_changes(backend, masks, Partitions(backend, masks))
    return [one.address for one in found]


def test_mounts_are_not_confined_whether_or_not_they_have_cpusets(repository):
    path = repository / "tests/contract/lab-host.json"
    host = SimulatedHost(load_snapshot(path.read_bytes(), file=path.name))
    configuration, _ = load_configuration(CONFIGURATION, file="kvmrt.yaml")

    before = addresses(host, configuration)
    host.set_allowed_cpus("system.slice", CpuSet((0, 1)))
    with_cpusets = addresses(host, configuration)

    assert host.read("/sys/fs/cgroup/dev-hugepages.mount/cpuset.cpus") == "\n"
    assert before == with_cpusets == ["slice/init.scope", "slice/system.slice"]

# SPDX-License-Identifier: Apache-2.0
"""Which units the task shield confines."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import (
    domain_xml,
    make_configuration,
    make_domain,
    make_host,
    make_slices,
    make_vm,
)

from kvmrt_plan.changes.change import Kind
from kvmrt_plan.changes.domain import domain_changes
from kvmrt_plan.changes.masks import Masks
from kvmrt_plan.changes.partitions import Partitions
from kvmrt_plan.changes.slices import slice_changes
from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.desired.model import ShieldBackend
from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.facts.domain import Thread
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.facts.slices import Slice
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


MACHINE = "slice/machine.slice"
OWN = "kvmrt00000000000000000000000000000001.slice"
RT = make_vm(1, "one", "4-5", rt=True)
OTHER = make_vm(2, "two", "6-7", rt=True)
WEB = make_domain(3, "web", running=True)


def narrowed(*domains, vms=(RT, OTHER), **slices):
    """What becomes of machine.slice on a host with 8 cores, and which changes have to come before."""
    facts = make_host(
        sockets=1, cores=8, threads=1, nodes=1, domains=domains, slices=make_slices(**slices)
    )
    placement = place(make_configuration(*vms), facts)
    masks = Masks(facts, placement)
    backend = ShieldBackend.ALLOWED_CPUS
    domains = [
        one for placed in placement.vms for one in domain_changes(placed, facts, has_own_slice=True)
    ]
    partitions = Partitions(backend, masks, domains)
    found = [*slice_changes(backend, masks, partitions), *partitions.changes()]
    assert not [one for one in found if one.kind is Kind.PARTITION]
    return [(one.before, one.after, one.requires) for one in found if one.address == MACHINE]


def test_without_partitions_other_guests_are_confined_by_machine_slice():
    off = make_domain(1, "one"), make_domain(2, "two")

    assert narrowed(*off, WEB) == [("0-7", "0-3", ())]


def test_machine_slice_keeps_the_cpus_of_a_real_time_guest_that_runs_in_it():
    one, two = make_domain(1, "one", running=True), make_domain(2, "two")

    assert narrowed(one, two, WEB) == [("0-7", "0-5", ())]
    assert narrowed(one, two, WEB, vms=(RT,)) == []


def test_a_real_time_guest_in_a_slice_of_its_own_is_not_in_the_way():
    inner = f"<resource><partition>/{OWN.removesuffix('.slice')}</partition></resource>"
    own = Slice(name=OWN, allowed=CpuSet((4, 5)), effective=CpuSet((4, 5)))
    one = make_domain(1, "one", xml=domain_xml(1, "one", inner=inner), running=True)
    slices = (*make_slices().slices, own)

    assert narrowed(one, WEB, vms=(RT,), slices=slices) == [("0-7", "0-3,6-7", ())]


def test_threads_of_another_guest_move_before_machine_slice_is_narrowed():
    inner = "<cputune><vcpupin vcpu='0' cpuset='5'/></cputune>"
    thread = Thread(
        tid=9, name="CPU 0/KVM", affinity=CpuSet((5,)), policy="SCHED_OTHER", priority=0, last_cpu=5
    )
    web = make_domain(3, "web", xml=domain_xml(3, "web", inner=inner), running=True)
    web = replace(web, threads=(thread,))
    managed = make_vm(3, "web", "0-1")

    assert narrowed(make_domain(1, "one"), web, vms=(RT, managed)) == [
        ("0-7", "0-3,6-7", ("vm/web/live/vcpupin 0",))
    ]
    assert narrowed(make_domain(1, "one"), web, vms=(RT,)) == []

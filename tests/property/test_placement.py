# SPDX-License-Identifier: Apache-2.0
"""What holds for every placement, whatever the host and the VMs."""

from __future__ import annotations

from facts_builders import make_configuration, make_host, make_vm
from hypothesis import given
from hypothesis import strategies as st

from kvmrt_plan.placement.cores import cores_of
from kvmrt_plan.placement.place import place
from kvmrt_plan.values.cpuset import CpuSet, union


@st.composite
def hosts(draw):
    """Hosts of up to 2 x 6 x 2 CPUs, some of them offline."""
    shape = {
        "sockets": draw(st.integers(1, 2)),
        "cores": draw(st.integers(1, 6)),
        "threads": draw(st.integers(1, 2)),
        "nodes": draw(st.integers(0, 2)),
    }
    count = shape["sockets"] * shape["cores"] * shape["threads"]
    offline = draw(st.sets(st.integers(1, max(1, count - 1)), max_size=3))
    return make_host(
        **shape,
        offline=str(CpuSet(cpu for cpu in offline if cpu < count)),
        recorded=draw(st.booleans()),
    )


@st.composite
def vms(draw, *, most: int = 4):
    """Any VMs at all: they may overlap, and name CPUs that do not exist."""
    count = draw(st.integers(0, most))
    return [
        make_vm(
            number,
            f"vm{number}",
            str(CpuSet(draw(st.sets(st.integers(0, 30), max_size=9)))),
            nr_vcpus=draw(st.integers(1, 6)),
            rt=draw(st.booleans()),
            autostart=draw(st.booleans()),
        )
        for number in range(count)
    ]


@st.composite
def valid_cases(draw):
    """A host, and RT VMs that take whole cores which nobody else has."""
    host = draw(hosts())
    cores = list(dict.fromkeys(cores_of(host.cpus).values()))
    owners = draw(st.lists(st.integers(0, 3), min_size=len(cores), max_size=len(cores)))
    made = []
    for number in range(1, 4):
        mine = [core for core, owner in zip(cores, owners, strict=True) if owner == number]
        listed = [core if draw(st.booleans()) else CpuSet((core.first,)) for core in mine]
        made.append(
            make_vm(
                number,
                f"vm{number}",
                str(union(listed)),
                nr_vcpus=max(1, len(mine) - 1),
                rt=draw(st.booleans()),
            )
        )
    return host, make_configuration(*made)


@given(case=valid_cases())
def test_no_logical_cpu_serves_two_roles(case):
    host, configuration = case
    placement = place(configuration, host)
    assert not placement.housekeeping & placement.isolated
    taken = [one.owned for one in placement.vms if one.holds_policies]
    assert sum(map(len, taken)) == len(placement.isolated)
    for one in placement.vms:
        assert not one.used & one.offlined
        if len(one.used) > 1:
            assert not one.emulator & union(one.vcpus)
    rt_used = union(one.used for one in placement.vms if one.holds_policies)
    assert not rt_used & placement.offlined


@given(host=hosts(), machines=vms())
def test_every_vm_uses_its_whole_cpuset_save_siblings(host, machines):
    cores = cores_of(host.cpus)
    for one in place(make_configuration(*machines), host).vms:
        assert one.used <= one.vm.cpuset
        for cpu in one.vm.cpuset:
            threads = cores.get(cpu, CpuSet((cpu,))) & one.used
            assert len(threads) == 1 if one.vm.rt else cpu in one.used
        if one.vm.cpuset and len(one.used) >= one.vm.nr_vcpus:
            assert one.emulator | union(one.vcpus) == one.used


@given(host=hosts(), machines=vms())
def test_round_robin_is_fair(host, machines):
    for one in place(make_configuration(*machines), host).vms:
        assert len(one.vcpus) == one.vm.nr_vcpus
        supplied = [len(vcpu) for vcpu in one.vcpus]
        assert max(supplied) - min(supplied) <= 1
        served = [sum(cpu in vcpu for vcpu in one.vcpus) for cpu in union(one.vcpus)]
        assert not served or max(served) - min(served) <= 1


@given(host=hosts(), machines=vms(), data=st.data())
def test_the_order_of_the_vms_changes_only_the_order_of_the_result(host, machines, data):
    shuffled = data.draw(st.permutations(machines))
    straight = place(make_configuration(*machines), host)
    mixed = place(make_configuration(*shuffled), host)
    assert {one.vm.uuid: one for one in mixed.vms} == {one.vm.uuid: one for one in straight.vms}
    assert [one.vm for one in mixed.vms] == shuffled
    assert mixed.housekeeping == straight.housekeeping
    assert mixed.isolated == straight.isolated
    assert mixed.offlined == straight.offlined

# SPDX-License-Identifier: Apache-2.0
"""Rules are total: whatever is asked for on whatever host, they find and never fail."""

from __future__ import annotations

from facts_builders import make_configuration, make_domain, make_host, make_vm
from hypothesis import given
from hypothesis import strategies as st

from kvmrt_plan.desired.model import GuestTopology, Pinning
from kvmrt_plan.placement.place import place
from kvmrt_plan.rules.check import check
from kvmrt_plan.values.cpuset import CpuSet
from kvmrt_plan.views.placement import render_placement

SETS = st.sets(st.integers(0, 20), max_size=6).map(CpuSet)


@st.composite
def configurations(draw):
    """Up to four VMs with any values, some of them doubles of another."""
    vms = [
        make_vm(
            number,
            f"vm{draw(st.integers(0, 4))}",
            str(draw(SETS)),
            uuid_number=draw(st.integers(0, 4)),
            nr_vcpus=draw(st.integers(1, 5)),
            rt=draw(st.booleans()),
            rt_memory=draw(st.none() | st.booleans()),
            numatune=draw(st.none() | SETS),
            cpu_topology=draw(st.none() | st.builds(GuestTopology, *[st.integers(1, 3)] * 3)),
            pinning=draw(st.sampled_from(Pinning)),
            autostart=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    return make_configuration(*vms, housekeeping=draw(st.none() | SETS))


@st.composite
def hosts(draw):
    """Hosts with and without nodes, siblings and domains."""
    return make_host(
        sockets=draw(st.integers(1, 2)),
        cores=draw(st.integers(1, 5)),
        threads=draw(st.integers(1, 2)),
        nodes=draw(st.integers(0, 2)),
        recorded=draw(st.booleans()),
        domains=[
            make_domain(number, f"vm{number}", running=draw(st.booleans()))
            for number in draw(st.sets(st.integers(0, 6), max_size=4))
        ],
    )


@given(configuration=configurations(), host=hosts())
def test_every_configuration_can_be_checked_and_shown_on_every_host(configuration, host):
    placement = place(configuration, host)
    found = check(configuration, host, placement)
    assert found == check(configuration, host, None)
    assert render_placement(configuration, placement, host).endswith("\n")


@given(configuration=configurations())
def test_what_is_found_without_a_host_is_found_on_one_that_has_all_its_cpus(configuration):
    host = make_host(cores=21, nodes=0, libvirt_problem="not asked")
    alone = {(one.code, one.summary) for one in check(configuration, None, None)}
    assert alone <= {(one.code, one.summary) for one in check(configuration, host, None)}

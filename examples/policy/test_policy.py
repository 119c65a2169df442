# SPDX-License-Identifier: Apache-2.0
"""Three rules of a team, asserted on the plan of every configuration: pytest --kvmrt hosts/ policy/."""

from __future__ import annotations


def test_no_running_guest_notices_an_apply(kvmrt_plan):
    disturbing = [
        a.change.address for a in kvmrt_plan.actions if a.change.disturbance == "guest-threads"
    ]
    assert disturbing == []


def test_every_rt_vm_keeps_to_one_numa_node(kvmrt_host, kvmrt_configuration):
    for vm in kvmrt_configuration.vms:
        nodes = {n.id for n in kvmrt_host.cpus.nodes.values() if n.cpus & vm.cpuset}
        assert not vm.rt or len(nodes) <= 1, f"{vm.name} uses nodes {sorted(nodes)}"


def test_cpu_0_is_never_taken_offline(kvmrt_plan):
    offline = {a.change.address for a in kvmrt_plan.actions if a.change.after == "offline"}
    assert "cpu/0" not in offline

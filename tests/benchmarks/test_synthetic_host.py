# SPDX-License-Identifier: Apache-2.0
"""The benchmarks measure what they say."""

from __future__ import annotations

import pytest
from synthetic_host import Size, synthetic_host, yaml_text

from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.diagnostics import has_errors
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.plan.goal import Goal

SIZES = [Size(cpus=128, irqs=128, vms=16, all_rt=True), Size(cpus=128, irqs=64, vms=20)]


def plan_of(size, *, is_converged):
    configuration, findings = load_configuration(yaml_text(size).encode(), file="kvmrt.yaml")
    assert findings == ()
    return plan_host(
        Goal(configuration=configuration), synthetic_host(size, is_converged=is_converged)
    )


@pytest.mark.parametrize("size", SIZES, ids=["real time", "mixed"])
def test_a_converged_host_has_nothing_to_change(size):
    plan = plan_of(size, is_converged=True)

    assert plan.actions == ()
    assert plan.pending == ()
    assert not has_errors(plan.findings)


@pytest.mark.parametrize("size", SIZES, ids=["real time", "mixed"])
def test_on_a_fresh_host_every_vm_and_every_interrupt_changes(size):
    plan = plan_of(size, is_converged=False)
    addresses = {action.change.address for action in plan.actions}

    assert {f"irq/{24 + index}" for index in range(size.irqs)} <= addresses
    assert {f"vm/vm-{index:04}/vcpupin 0" for index in range(size.vms)} <= addresses
    assert not has_errors(plan.findings)


def test_twice_of_everything_is_twice_of_everything():
    size = Size(cpus=1024, irqs=4096, vms=500)

    assert size.doubled == Size(cpus=2048, irqs=8192, vms=1000)
    assert len(size.machine.cpus) == 1024
    assert len(size.doubled.machine.cpus) == 2048

# SPDX-License-Identifier: Apache-2.0
"""A plan is a function of configuration and facts: order and hashing of the input do not show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.plan.goal import Goal

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SNAPSHOT = load_snapshot((EXAMPLES / "two-socket.json").read_bytes(), file="two-socket.json")


def configuration(name):
    loaded, findings = load_configuration((EXAMPLES / name).read_bytes(), file=name)
    assert loaded is not None, findings
    return loaded


@pytest.mark.parametrize("name", ["two-socket.yaml", "two-socket.cfg", "further.yaml"])
@given(data=st.data())
def test_permuted_input_gives_the_same_plan(name, data):
    desired = configuration(name)
    vms = data.draw(st.permutations(desired.vms))
    files = dict(data.draw(st.permutations(sorted(SNAPSHOT.files.items()))))
    domains = tuple(data.draw(st.permutations(SNAPSHOT.libvirt.domains)))
    permuted = replace(SNAPSHOT, files=files, libvirt=replace(SNAPSHOT.libvirt, domains=domains))

    plan = plan_host(Goal(configuration=replace(desired, vms=tuple(vms))), permuted)

    expected = plan_host(Goal(configuration=desired), SNAPSHOT)
    assert [one.change.address for one in plan.actions] == [
        one.change.address for one in expected.actions
    ]
    assert {one.change.address: one.change.after for one in plan.actions} == {
        one.change.address: one.change.after for one in expected.actions
    }
    assert plan.pending == expected.pending
    assert {one.code for one in plan.findings} == {one.code for one in expected.findings}


def test_the_ini_twin_of_the_example_gives_the_same_actions():
    yaml, ini = (
        plan_host(Goal(configuration=configuration(f"two-socket.{kind}")), SNAPSHOT)
        for kind in ("yaml", "cfg")
    )

    def actions(plan):
        return [
            (one.number, one.change.address, one.change.before, one.change.after, one.requires)
            for one in plan.actions
        ]

    assert actions(yaml) == actions(ini)
    assert actions(yaml)

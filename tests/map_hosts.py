# SPDX-License-Identifier: Apache-2.0
"""Hosts for tests of maps: the bundled example, and synthetic ones of any size."""

from __future__ import annotations

from functools import cache

from facts_builders import make_configuration, make_host, make_irq, make_vm
from repository_files import REPOSITORY

from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.placement.place import place
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.views.map_drawn import Drawn, draw


@cache
def example(*, has_after: bool = True) -> Drawn:
    """The bundled example with its configuration, before and after its plan."""
    folder = REPOSITORY / "examples"
    snapshot = load_snapshot(
        (folder / "two-socket.json").read_text(encoding="utf-8"), file="two-socket.json"
    )
    content = (folder / "two-socket.yaml").read_bytes()
    configuration, findings = load_configuration(content, file="two-socket.yaml")
    assert configuration is not None
    goal = Goal(configuration=configuration, findings=findings)
    facts = gather_facts(snapshot)
    plan = plan_host(goal, snapshot)
    return draw(facts, place(configuration, facts), plan, has_after=has_after)


@cache
def synthetic(cpus: int) -> Drawn:
    """A host of that many CPUs, two to a core, with an RT VM of a quarter of its cores, as configured."""
    sockets = 1 if cpus < 8 else 2
    cores = max(1, cpus // 2 // sockets)
    host = make_host(
        sockets=sockets,
        cores=cores,
        threads=min(2, cpus),
        nodes=sockets,
        irqs=[make_irq(number, str(number % cpus)) for number in range(3 * cpus)],
    )
    last = sockets * cores - 1
    first = max(0, last - cpus // 8)
    vm = make_vm(1, "control <&> \u202e", f"{first}-{last}", nr_vcpus=max(1, last - first), rt=True)
    return draw(host, place(make_configuration(vm), host))
